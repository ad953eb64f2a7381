-- Limits: how much of each key is used, who may start, who holds a slot. Knows nothing of who waits.

function M.limit_name(line)
    return line:match('^[^:]*')
end

local definitions = {}
function M.limit(line)
    local name = M.limit_name(line)
    if definitions[name] == nil then
        local text = M.hget('limits', name)
        local d = text and unpack_(text)
        definitions[name] = d and { name = name, n = d[1], period = d[2] or nil, full = d[3], hold = d[4] } or false
    end
    return definitions[name] or nil
end

-- The lines of the run's limits that are defined, in the order named.
function M.lines_of(r)
    local found = {}
    for _, line in ipairs(r.limits or {}) do
        if M.limit(line) then
            insert(found, line)
        end
    end
    return found
end

function M.has_slot(r, line)
    for _, slot in ipairs(r.slots or {}) do
        if slot == line then
            return true
        end
    end
    return false
end

M.starting = {} -- line -> starts in this script
function M.recent(line, definition)
    return call('ZCOUNT', P .. ':starts:' .. line, '(' .. string.format('%.0f', now - definition.period), '+inf')
        + (M.starting[line] or 0)
end

function M.blocked_until(line)
    return tonumber(M.hget('blocked', line) or nil)
end

-- Whether nothing of this key starts until it is resumed by hand.
function M.line_paused(line)
    return M.hget('paused', 'limit:' .. line) and true or false
end

-- How many more may start now.
function M.free(line)
    local definition = M.limit(line)
    if M.line_paused(line) then
        return 0
    end
    if not definition.period then
        return math.max(0, definition.n - M.card(M.zset('held:' .. line)))
    end
    local blocked = M.blocked_until(line)
    if blocked and blocked > now then
        return 0
    end
    return math.max(0, definition.n - M.recent(line, definition))
end

-- When a rate that is full lets the next one start; nil for what no clock will change.
function M.rate_due(line)
    local definition = M.limit(line)
    if not definition or not definition.period or definition.n < 1 or M.free(line) > 0 or M.line_paused(line) then
        return nil
    end
    local due
    if M.recent(line, definition) >= definition.n then
        local mine = M.starting[line] or 0
        if mine >= definition.n then
            due = now + definition.period
        else
            local nth = call('ZRANGE', P .. ':starts:' .. line, -(definition.n - mine), -(definition.n - mine),
                'WITHSCORES')
            due = tonumber(nth[2]) + definition.period
        end
    end
    local blocked = M.blocked_until(line)
    if blocked and (not due or blocked > due) then
        due = blocked
    end
    return due
end

-- Take the slots of all the run's limits and return nil; or take none and name the one that is full.
function M.take_slots(r)
    local missing = {}
    for _, line in ipairs(M.lines_of(r)) do
        if not M.has_slot(r, line) then
            if M.free(line) == 0 then
                return line
            end
            insert(missing, line)
        end
    end
    for _, line in ipairs(missing) do
        local serial = M.serial()
        M.note_line(line)
        if M.limit(line).period then
            M.starting[line] = (M.starting[line] or 0) + 1
            M.later('ZADD', P .. ':starts:' .. line, now, string.format('%.0f', serial))
            M.later('ZREMRANGEBYSCORE', P .. ':starts:' .. line, '-inf',
                string.format('%.0f', now - M.limit(line).period))
        else
            M.add(M.zset('held:' .. line), r.ref, serial)
            r.slots = r.slots or {}
            insert(r.slots, line)
        end
        M.touched(line)
    end
end

-- Free the run's slots; those of limits that hold only at the end of the life. Whoever calls makes the offers once the
-- run stands where it goes: what comes back is older than what waits.
function M.give_back(r, ends)
    local freed, kept = {}, {}
    table.sort(r.slots or {})
    for _, line in ipairs(r.slots or {}) do
        local definition = M.limit(line)
        if ends or not definition or not definition.hold then
            M.rem(M.zset('held:' .. line), r.ref)
            M.touched(line)
            insert(freed, line)
        else
            insert(kept, line)
        end
    end
    r.slots = #kept > 0 and kept or nil
    return freed
end

-- Who took a slot of this limit first and still has it.
function M.oldest_holder(line)
    local first = M.range(M.zset('held:' .. line), 1)[1]
    return first and M.row(first[1])
end
