-- After a limit was changed or dropped: its lines, some at a time.

-- After a limit was changed or dropped: slots that nobody needs go, and freed capacity is offered, some lines at a time.
-- What is left is done by upkeep. Whether nothing is.
local MOST = 100 -- offers that one script is through with soon
function M.sweep(name)
    M.most_offers = math.min(M.most_offers, MOST)
    local definition = M.limit(name)
    local from = M.hget('sweep', name)
    local lines = call('ZRANGEBYLEX', P .. ':lines:' .. name, from and '(' .. from or '-', '+', 'LIMIT', 0, 50)
    local through = #lines < 50
    for _, line in ipairs(lines) do
        if M.most_offers <= 0 then
            through = false
            break
        end
        M.let_slots_go(line, definition)
        M.offer(line)
        through = through and M.most_offers > 0 -- else some of this line may be left
        if not definition and M.most_offers > 0 then
            M.rem(M.zset('lines:' .. name), line)
            M.hset('blocked', line, nil)
            M.hset('paused', 'limit:' .. line, nil)
            M.later('UNLINK', P .. ':starts:' .. line)
        end
        from = line
    end
    if through then
        M.hset('sweep', name, nil)
        M.rem(M.zset('sweeps'), name)
    else
        M.hset('sweep', name, M.most_offers > 0 and from or nil)
        M.add(M.zset('sweeps'), name, 0)
        M.ring('u')
    end
    return through
end

-- A rate knows no slots; a limit that no longer holds has none for a run that is not running; one that is no more, none.
function M.let_slots_go(line, definition)
    local held = M.zset('held:' .. line)
    if definition and not definition.period and definition.hold then
        return
    end
    for _, one in ipairs(M.range(held, 1000)) do
        local r = M.row(one[1])
        if not definition or definition.period or not r or r.state ~= 'r' then
            M.rem(held, one[1])
            local kept = {}
            for _, slot in ipairs(r and r.slots or {}) do
                if slot ~= line then
                    insert(kept, slot)
                end
            end
            if r then
                r.slots = #kept > 0 and kept or nil
            end
        end
    end
end
