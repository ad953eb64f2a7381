-- parts: start args model
-- A new run of the same task and input with the first `upto` recorded steps (or all) and unread signals.
-- args: run_id new_id upto version
local function answer()
    local r = M.row(M.ref_of(A.run_id))
    if not r then
        return 'not_found'
    end
    if M.row(M.ref_of(A.new_id)) then
        return 'duplicate'
    end
    local text = M.of(r).text or call('HGET', P .. ':terms', r.term)
    if A.version then
        local term = unpack_(text)
        term[3] = A.version
        text = pack(term)
    end
    M.enter({ runs = { { id = A.new_id, term = unpack_(text), input = r.input, options = r.options, priority = r.priority,
        limits = r.limits, tags = r.tags, fair = r.fair, weight = r.weight } } })
    local copy, kept = M.row(M.ref_of(A.new_id)), {}
    for i, step in ipairs(M.steps(r)) do
        if not A.upto or i <= A.upto then
            insert(kept, step)
            M.put_step(copy, step[1], step[2])
            copy.rollbacks = copy.rollbacks or step[2][5] == 'rollback' or nil
            copy.steps_no = step[2][1]
        end
    end
    local left, counted = M.unread(r, kept)
    copy.mail = counted
    for _, one in ipairs(left) do
        M.later('RPUSH', P .. ':mail:' .. copy.ref, one)
    end
    return 'ok'
end

local word = answer()
M.commit()
return word
