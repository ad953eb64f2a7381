-- parts: start args model
-- Create or change a schedule; the stored one comes back, its revision grown if anything changed.
-- With `was` only if it stands at that revision; false if there is none.
-- args: name app task next_at paused was
local spec = bytes()
local text = M.hget('schedules', A.name)
local s = text and unpack_(text)
if not s and (A.was or 0) > 0 then
    return false
end
if not s then
    s = { A.app, A.task, spec, A.next_at or false, 1, A.paused or false, 0, 0, false }
elseif s[1] ~= A.app or s[2] ~= A.task or s[3] ~= spec then
    if A.was and A.was ~= s[5] then
        return s
    end
    s[1], s[2], s[3], s[4], s[5] = A.app, A.task, spec, A.next_at or false, s[5] + 1
end
M.put_schedule(A.name, s)
M.ring('u')
M.commit()
return s
