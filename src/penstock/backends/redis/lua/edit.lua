-- parts: start args model
-- Change priority or input of a run that has not started; clear the log of any.
-- args: run_id priority input clear_log free_key counted
local function answer()
    local r = M.row(M.ref_of(A.run_id))
    if not r then
        return 'not_found'
    end
    if A.priority or A.input then
        if M.finished(r) then
            return 'finished'
        end
        if r.state == 'r' or (A.input and r.claims > 0) then
            return 'state'
        end
    end
    if A.free_key then
        if not M.key_of(r) then
            return 'state'
        end
        local following = M.forget_key(r)
        if following then
            M.let_go(following)
        end
    end
    if A.input then
        r.input = bytes()
        if A.counted then
            M.recount(r, A.counted)
        end
    end
    if A.priority and A.priority ~= r.priority then
        local place, line = r.place, r.line
        M.step_out(r)
        r.priority = A.priority
        if place then
            M.stand_again(r, place, line)
        end
    end
    if A.clear_log and r.has_log then
        r.has_log = nil
        M.later('UNLINK', P .. ':log:' .. r.ref)
    end
    return 'ok'
end

local word = answer()
M.commit(true)
return word
