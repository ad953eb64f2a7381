-- Fairness: of each value a few runs stand where claims look, the others behind them; each one takes its turn. Whoever
-- leaves lets the next of its value take a turn, behind all who have one: so the values go round robin.

local function before(a, b)
    return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1])
end

-- From now on claims see the run.
local function give_turn(r, turn)
    r.turn = turn
    M.put(r, 'Z')
    M.ring_queue(M.of(r).queue)
end

-- Among those of its value: with a turn if few have one, or instead of one that it goes before; else behind.
function M.enter_turns(r)
    local value = M.value_of(r)
    local up, first = M.range(M.zset('turns:' .. value), 1000), M.range(M.zset('behind:' .. value), 1)[1]
    local last, mine = up[#up], { M.standing(r) }
    if not last or (#up < (r.weight or 1) and (not first or before(mine, first))) then
        give_turn(r, M.serial())
    elseif before(mine, last) then
        local other = M.row(last[1]:sub(8))
        local turn = other.turn
        M.take_out(other)
        M.put(other, 'F')
        give_turn(r, turn)
        M.next_turns(value) -- who had to go may weigh more
    else
        M.put(r, 'F')
    end
end

-- Take the run from where it stands; one with a turn lets the next of its value take one.
function M.step_out(r)
    local value = r.turn and M.value_of(r)
    M.take_out(r)
    if value then
        M.next_turns(value)
    end
end

-- Send those up for whom there is room. Harmless to repeat.
function M.next_turns(value)
    local up, behind = M.zset('turns:' .. value), M.zset('behind:' .. value)
    while true do
        local first = M.range(behind, 1)[1]
        local r = first and M.row(first[1]:sub(8))
        if not r or M.card(up) >= (r.weight or 1) then
            return
        end
        M.take_out(r)
        give_turn(r, M.serial())
    end
end
