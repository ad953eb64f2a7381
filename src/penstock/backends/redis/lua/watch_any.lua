-- parts: start args model
-- From now on the end of these runs rings and, with `log`, what their logs tell; how they stand.
-- args: run_ids log
local answers = {}
for i, id in ipairs(A.run_ids) do
    local r = M.row(M.ref_of(id))
    if r then
        r.watched = (A.log or r.watched == 2) and 2 or 1
    end
    answers[i] = r and M.WORDS[r.state] or false
end
M.commit(true)
return answers
