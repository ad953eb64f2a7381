-- The same asked again: a run that has not started takes over what is asked now, or another one waits for its end.

local function unstarted(r)
    return (r.state == 'd' or r.state == 'q') and r.claims == 0 and not r.ending
end

-- Whether the new run waits for the end of the one for which its key stands.
function M.makes_next(new)
    local entry = new.follow and M.live_key(new.task, new.key)
    if not entry or entry[4] then
        return false
    end
    local r = M.row(entry[2])
    return r ~= nil and not M.finished(r) and not (new.replace and unstarted(r))
end

-- It waits; the end of the present run lets it go, with the key.
function M.create_next(new)
    local ref, task = new.ref, new.task
    new.wake, new.task, new.ref = nil, nil, nil
    local r = M.insert(ref, new)
    r.state, r.wake, r.own_delay = 'w', { false, false, false, false, false, {}, {} }, r.delay
    local entry = M.key_entry(task, r.key)
    M.put_key(r, { entry[1], entry[2], entry[3], ref })
end

-- The run that shall have the input of this one, if there is such a run.
function M.taken_over(new)
    local entry = (new.follow or new.replace) and M.live_key(new.task, new.key)
    if not entry then
        return nil
    end
    if new.follow and entry[4] then
        return M.row(entry[4])
    end
    local r = M.row(entry[2])
    return r and new.replace and unstarted(r) and r or nil
end

local function same(a, b)
    return table.concat(a or {}, '\0') == table.concat(b or {}, '\0')
end

local function counts_as(r, new)
    return same(r.limits, new.limits) and r.fair == new.fair and (r.weight or 1) == (new.weight or 1)
end

-- The run, which has not started, has these limits, value and weight: queued, it finds its place anew, rank kept.
function M.recount(r, new)
    if counts_as(r, new) then
        return
    end
    if r.state == 'q' then
        M.leave(r)
    end
    r.limits, r.fair, r.weight = new.limits, new.fair, new.weight
    if r.state == 'q' then
        M.find_place(r)
    end
end

-- The run takes over input, delay, limits and value, and keeps all else, its rank too unless it is delayed.
function M.rewrite(r, new)
    if r.state ~= 'w' and not unstarted(r) then
        return
    end
    local due_at = new.at or now + (new.delay or 0)
    if r.state == 'q' and (not counts_as(r, new) or due_at > now) then
        M.leave(r)
    end
    r.input, r.at, r.delay = new.input, new.at, new.delay
    r.limits, r.fair, r.weight = new.limits, new.fair, new.weight
    if r.state == 'w' then
        r.own_delay = new.delay
    elseif due_at > now then
        M.expire_from(r, due_at)
        M.schedule(r, due_at)
    elseif r.state == 'd' then
        M.expire_from(r, due_at)
        M.queue_up(r, true)
    elseif not r.place then
        M.find_place(r)
    end
end
