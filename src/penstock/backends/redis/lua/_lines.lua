-- The lines of limits: who joins, who waits, who is offered a place.

local touched = {}
-- The line's room has changed, or who waits for it: at the end its rate learns when to look again.
function M.touched(line)
    touched[line] = true
    M.lines_touched = true
end

local function groups(line)
    return M.range(M.zset('groups:' .. line), 10000)
end

function M.parked_count(line)
    local n = 0
    for _, group in ipairs(groups(line)) do
        n = n + M.card(M.zset('parked:' .. group[1] .. ':' .. line))
    end
    return n
end

-- Whether there is room for a member that is parked, and nobody has made the offer yet.
local function offers_left(line)
    local room = M.free(line)
    for _, group in ipairs(room > 0 and groups(line) or {}) do
        local out, parked = M.zset('out:' .. group[1] .. ':' .. line), M.zset('parked:' .. group[1] .. ':' .. line)
        if M.card(parked) > 0 and M.card(out) < room then
            return true
        end
    end
    return false
end

-- Whether the line holds nobody and remembers nothing.
local function idle(line, definition)
    if M.card(M.zset('held:' .. line)) > 0 or M.card(M.zset('groups:' .. line)) > 0 or M.starting[line]
        or M.line_paused(line) then
        return false
    end
    return not definition.period or (call('ZCARD', P .. ':starts:' .. line) == 0 and not M.blocked_until(line))
end

-- Tell upkeep when a rate has room again, and forget lines that nobody uses.
function M.settle_lines()
    for line in pairs(touched) do
        local definition = M.limit(line)
        local due
        if definition and definition.period and M.parked_count(line) > 0 then
            due = M.rate_due(line) or (offers_left(line) and now or nil)
        end
        if due then
            M.add(M.zset('rates'), line, due)
            M.ring('u')
        else
            M.rem(M.zset('rates'), line)
        end
        if definition and idle(line, definition) then
            M.rem(M.zset('lines:' .. definition.name), line)
            M.rem(M.zset('tidy'), line)
        elseif definition and definition.period then
            M.add(M.zset('tidy'), line, now + definition.period)
        end
    end
end

-- Forget the starts of a rate that no longer count, and a moment that has passed.
function M.tidy(line)
    local definition = M.limit(line)
    local blocked = M.blocked_until(line)
    if blocked and blocked <= now then
        M.hset('blocked', line, nil)
    end
    M.rem(M.zset('tidy'), line)
    if definition and definition.period then
        local name, upto = P .. ':starts:' .. line, string.format('%.0f', now - definition.period)
        if M.recent(line, definition) > 0 or M.card(M.zset('groups:' .. line)) > 0 or (blocked and blocked > now) then
            M.later('ZREMRANGEBYSCORE', name, '-inf', upto)
            M.add(M.zset('tidy'), line, math.max(now + definition.period, blocked or 0))
        else
            M.later('UNLINK', name)
            M.rem(M.zset('lines:' .. definition.name), line)
        end
    end
end

-- Put a run that became ready out or into its line. False: its limit drops what would have to wait.
function M.join(r)
    local line
    for _, one in ipairs(M.lines_of(r)) do
        if not M.has_slot(r, one) then
            line = one
            break
        end
    end
    r.line = line
    if not line then
        M.to_ready(r)
        return true
    end
    local definition = M.limit(line)
    if definition.full == 'drop' and r.claims == 0 then -- its claim finds out
        M.to_ready(r)
        return true
    end
    if definition.full == 'replace' and r.claims == 0 then
        M.stand_first(r, line)
        return true
    end
    local waits = M.card(M.zset('parked:' .. M.stand(r, line))) > 0
    if not waits and M.card(M.zset('out:' .. M.stand(r, line))) < M.free(line) then
        M.to_ready(r)
        return true
    end
    return M.park(r, line)
end

-- A newcomer of a limit that replaces goes before all others, also those that are out and not claimed.
function M.stand_first(r, line)
    if r.rank > 0 then
        r.rank = -M.serial()
    end
    r.line = nil
    local others = {}
    for _, other in ipairs(M.range(M.zset('out:' .. M.stand(r, line)), 1000)) do
        insert(others, M.row(other[1]))
    end
    table.sort(others, function(a, b)
        return M.standing(a) < M.standing(b)
    end)
    for _, row in ipairs(others) do
        M.step_out(row)
        M.put(row, 'P')
    end
    r.line = line
    M.put(r, 'P')
    M.offer(line)
end

-- Let the run wait in the line. False: the limit drops it instead.
function M.park(r, line)
    local definition = M.limit(line)
    if definition.full == 'drop' and r.claims == 0 and not M.line_paused(line) then
        return false
    end
    r.line = line
    M.put(r, 'P')
    return true
end

M.most_offers = 500
-- Send parked members out while there is room for their (queue, priority). Harmless to repeat.
function M.offer(line)
    if not line then
        return
    end
    if not M.limit(line) then
        M.disband(line)
        return
    end
    local capacity
    for _, group in ipairs(groups(line)) do
        local out, parked = M.zset('out:' .. group[1] .. ':' .. line), M.zset('parked:' .. group[1] .. ':' .. line)
        if M.card(parked) > 0 then
            capacity = capacity or M.free(line)
            local room = math.min(capacity - M.card(out), M.most_offers)
            for _, entry in ipairs(M.range(parked, room)) do
                local r = M.row(entry[1]:sub(8))
                M.take_out(r)
                M.to_ready(r)
                M.most_offers = M.most_offers - 1
            end
        end
        if M.card(parked) == 0 and M.card(out) == 0 then
            M.rem(M.zset('groups:' .. line), group[1])
        end
    end
    M.touched(line)
end

function M.offer_all(freed)
    for _, line in ipairs(freed) do
        M.offer(line)
    end
end

-- A limit that is no more holds nobody up.
function M.disband(line)
    for _, group in ipairs(groups(line)) do
        local out, parked = M.zset('out:' .. group[1] .. ':' .. line), M.zset('parked:' .. group[1] .. ':' .. line)
        for _, entry in ipairs(M.range(parked, M.most_offers)) do
            local r = M.row(entry[1]:sub(8))
            M.take_out(r)
            r.line = nil
            M.to_ready(r)
            M.most_offers = M.most_offers - 1
        end
        for _, member in ipairs(M.range(out, M.most_offers)) do
            M.row(member[1]).line = nil
            M.rem(out, member[1])
            M.most_offers = M.most_offers - 1
        end
        if M.card(parked) == 0 and M.card(out) == 0 then
            M.rem(M.zset('groups:' .. line), group[1])
        end
    end
    M.touched(line)
end

-- After a run has changed its priority: nobody of the new (queue, priority) is overtaken, the old one may offer.
function M.stand_again(r, place, line)
    if place == 'P' or place == 'S' then
        M.put(r, place)
    elseif not line or r.ending then
        M.to_ready(r)
    else
        M.put(r, 'P')
    end
    M.offer(line)
end
