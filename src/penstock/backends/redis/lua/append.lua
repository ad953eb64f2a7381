-- parts: start args model
-- Add lines to the logs of held runs.
-- args: entries
local answers = {}
for i, one in ipairs(A.entries) do
    local data = bytes()
    local r = M.held(M.ref_of(one.id), one.token)
    if not r then
        answers[i] = 'lost'
    else
        answers[i] = 'ok'
        if one.number == 0 or r.lines ~= one.token or one.number > r.line_no then
            if one.number > 0 then
                r.lines, r.line_no = one.token, one.number
            end
            M.note(r, one.kind, data)
        end
    end
end
M.commit()
return answers
