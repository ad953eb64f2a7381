-- parts: start args model
-- Write steps once; a path already taken answers with the step that stands there.
-- args: records
local answers = {}
for i, one in ipairs(A.records) do
    local step = one.step
    step[6] = step[6] and bytes() or false
    step[7] = step[7] and bytes() or false
    step[8] = bytes()
    local r = M.held(M.ref_of(one.id), one.token)
    local known = r and M.step(r, one.path)
    if not r then
        answers[i] = { 'lost' }
    elseif known then
        answers[i] = { 'duplicate', known }
    elseif one.silent and (r.mail and r.mail[one.silent] or 0) > one.arrived then
        answers[i] = { 'state' }
    else
        M.write_step(r, one.path, step)
        answers[i] = { 'ok' }
    end
end
M.commit()
return answers
