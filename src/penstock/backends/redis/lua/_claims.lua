-- Claiming: look at a bounded number of queued runs in order; take them, or move what stops them out of the way.
-- Abilities come as {[task] = {{version, fingerprint}, ...}}.

local LOOK_BEYOND, MOST_IDLE_CLAIMS = 100, 1000

local function fits(abilities, task, version, refused)
    for _, one in ipairs(abilities[task] or {}) do
        local no = one[2] ~= '' and ('\n' .. refused .. '\n'):find('\n' .. one[2] .. '\n', 1, true)
        if (version == '' or version == one[1]) and not no then
            return true
        end
    end
    return false
end
M.fits = fits

-- The places that this claim reads: newcomers, the ready, side lines, and whom its looks let in. Each gives {entry, score}
-- in order.
local function places(queue, abilities, most, passed)
    M.newly[queue] = { kind = 'Z', at = 1, entries = {} } -- those before stand where they are read
    local found = { M.newly[queue] }
    local entries = {}
    for _, entry in ipairs(call('LRANGE', P .. ':new:' .. queue, passed, passed + most - 1)) do
        insert(entries, { entry, NEWCOMER })
    end
    insert(found, { kind = 'L', at = 1, entries = entries })
    insert(found, { kind = 'Z', at = 1, entries = M.range(M.zset('ready:' .. queue), most) })
    for _, one in ipairs(M.range(M.zset('sides:' .. queue), 10000)) do
        local side = unpack_(one[1]:sub(#queue + 2))
        if not M.hget('paused', 'task:' .. side[1]) and fits(abilities, side[1], side[2], side[3]) then
            insert(found, { kind = 'S', at = 1, entries = M.range(M.zset('side:' .. one[1]), most) })
        end
    end
    return found
end

-- The next run in order among the places, and how it is listed there.
local function next_of(found)
    while true do
        local best
        for _, place in ipairs(found) do
            local one = place.entries[place.at]
            local other = best and best.entries[best.at]
            if one and (not other or one[2] < other[2] or (one[2] == other[2] and one[1] < other[1])) then
                best = place
            end
        end
        if not best then
            return nil
        end
        local entry = best.entries[best.at]
        best.at = best.at + 1
        local r = M.row(entry[1]:sub(8))
        local same = r and r.state == 'q' and r.place == best.kind and M.entry(r) == entry[1]
        return same and r or false, best.kind
    end
end

-- Whether a place has been walked through as far as it was read, and may have more.
local function walked_through(found, most)
    for _, place in ipairs(found) do
        if place.at > #place.entries and #place.entries >= most then
            return true
        end
    end
    return false
end

-- Claim from one queue. `taken` grows; returns how many looks are left, and whether the bound was met with runs left.
function M.claim_queue(queue, request, limit, taken, left)
    local passed, stale = 0, 0
    local most = limit + LOOK_BEYOND + 1
    local found = places(queue, request.abilities, most, passed)
    while #taken < limit do
        if walked_through(found, most) then
            found = places(queue, request.abilities, most, passed)
        end
        local r, kind = next_of(found)
        if r == nil then
            break
        end
        if r and left == 0 or stale == 1000 then
            M.pass(queue, passed)
            return 0, true
        end
        if kind == 'L' then
            passed = passed + 1
        end
        if r then
            left = left - 1
            if M.look_at(r, request) then
                insert(taken, r)
            end
        else
            stale = stale + 1
        end
    end
    M.newly[queue] = nil
    M.pass(queue, passed)
    return left, false
end

-- Drop the newcomers' entries that have been looked at; if there are others behind, ring again.
function M.pass(queue, passed)
    if passed > 0 then
        M.later('LTRIM', P .. ':new:' .. queue, passed, -1)
    end
    if call('LLEN', P .. ':new:' .. queue) > passed or M.card(M.zset('ready:' .. queue)) > 0 then
        M.ring_queue(queue)
    else
        M.calm(queue)
    end
end

-- Take the run for this worker, or end it, or move it to what stops it.
function M.look_at(r, request)
    if M.over(r) then
        return false
    end
    local term = M.of(r)
    if not fits(request.abilities, term.task, term.version, r.refused) or M.hget('paused', 'task:' .. term.task) then
        M.leave(r)
        M.put(r, 'S')
        M.ring('b:' .. term.queue)
        return false
    end
    local full = not r.ending and M.take_slots(r) or nil
    M.leave(r)
    if full then
        if not M.park(r, full) then
            M.finish(r, { state = 'c', cause = 'limit' })
        else
            M.replace_holder(r)
        end
        return false
    end
    M.hold(r, request)
    return true
end

-- Whether the run must not start any more; then it ends here.
function M.over(r)
    if r.idle_claims >= MOST_IDLE_CLAIMS then
        if r.ending then
            M.finish(r, M.requested(r))
        else
            M.end_(r, { state = 'f', cause = 'loop' })
        end
        return true
    end
    if r.ending then
        return false
    end
    if M.doomed_by_mark(M.parent(r), r) then
        M.end_(r, { state = 'c', cause = 'parent', by_parent = true })
    elseif r.expires_at and r.expires_at <= now and r.claims == 0 then
        M.finish(r, { state = 'f', cause = 'expired' })
    elseif r.deadline_at and r.deadline_at <= now then
        M.end_(r, { state = 'f', cause = 'deadline' })
    else
        return false
    end
    return true
end

-- The run is this worker's.
function M.hold(r, request)
    if r.claims == 0 and r.key_starts then
        local following = M.let_expire(r)
        if following then
            M.let_go(following)
        end
    end
    M.set_state(r, 'r')
    r.token, r.worker, r.lease_at, r.started_at = request.claim_id, request.worker, now + request.lease, now
    if r.life == 1 then
        r.first_claimed_at = r.first_claimed_at or now
    elseif r.claims == 0 then
        M.note(r, 'claimed') -- numbers below those of its earlier lives have been read
    end
    M.tell(r)
    r.told = r.ending and true or nil
    r.claims, r.idle_claims = r.claims + 1, r.idle_claims + 1
    r.fence = math.max(r.fence + 1, now)
end
