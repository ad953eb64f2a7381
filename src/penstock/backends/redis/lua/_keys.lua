-- Keys: {hash, reference, moment of expiry or false, who waits for it or false}, by task and key.

local function key_name(task, key)
    return P .. ':key:' .. task .. ':' .. key
end

local keys = {}
function M.key_entry(task, key)
    local name = key_name(task, key)
    if keys[name] == nil then
        local text = call('GET', name)
        keys[name] = text and unpack_(text) or false
    end
    return keys[name] or nil
end

-- The entry, while it stands for anybody.
function M.live_key(task, key)
    local entry = M.key_entry(task, key)
    return entry and (not entry[3] or entry[3] > now) and entry or nil
end

-- The run's entry, while it stands for this run.
function M.key_of(r)
    if not r.key then
        return nil
    end
    local entry = M.key_entry(M.of(r).task, r.key)
    return entry and entry[2] == r.ref and entry or nil
end

function M.put_key(r, entry)
    local task = M.of(r).task
    local name = key_name(task, r.key)
    keys[name] = entry or false
    local expiring = M.zset('keys')
    if entry then
        M.later('SET', name, pack(entry))
    else
        M.later('UNLINK', name)
    end
    if entry and entry[3] then
        M.add(expiring, task .. ':' .. r.key, entry[3])
    else
        M.rem(expiring, task .. ':' .. r.key)
    end
end

-- For whose end the run waits.
function M.comes_after(r)
    local entry = r.key and M.key_entry(M.of(r).task, r.key)
    return entry and entry[4] == r.ref and entry[2] or nil
end

-- The run needs its key no more. It goes to who waits for it, and that one is returned; else its time begins.
function M.let_expire(r)
    local entry = r.key and M.key_entry(M.of(r).task, r.key)
    if not entry then
        return nil
    end
    if entry[4] == r.ref then -- it waited, and is over itself
        M.put_key(r, { entry[1], entry[2], entry[3] })
    end
    if entry[2] ~= r.ref or entry[3] then
        return nil
    end
    if entry[4] then
        local following = M.row(entry[4])
        M.put_key(following, { following.key_hash, following.ref, false })
        return following
    end
    M.put_key(r, { entry[1], entry[2], math.max(now + r.key_ttl, r.enqueued_at + (r.key_every or 0)) })
end

-- The run has not begun after all: a key that its claim has ended stands for it again, if for nobody else.
function M.stand_for_key(r)
    if r.key_starts and r.claims == 0 then
        local entry = M.live_key(M.of(r).task, r.key)
        if not entry then
            M.put_key(r, { r.key_hash, r.ref, false })
        elseif entry[2] == r.ref then
            M.put_key(r, { entry[1], r.ref, false, entry[4] })
        end
    end
end

-- The run is removed by hand, its key with it, unless somebody waits for that, who is returned.
function M.forget_key(r)
    local following = M.let_expire(r)
    if not following and M.key_of(r) then
        M.put_key(r, nil)
    end
    return following
end
