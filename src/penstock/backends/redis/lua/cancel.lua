-- parts: start args model
-- End the runs: at once, or, if running or with rollbacks to run first, by request.
-- args: run_ids reason cascade terminate
local answers = {}
for i, id in ipairs(A.run_ids) do
    local r = M.row(M.ref_of(id))
    if not r then
        answers[i] = 'not_found'
    elseif M.finished(r) then
        answers[i] = 'finished'
    else
        if A.terminate then
            r.rollbacks = nil
        end
        M.cancel_row(r, { state = 'c', cause = 'cancel' }, A.reason, A.cascade)
        answers[i] = 'ok'
    end
end
M.commit(true)
return answers
