-- parts: start args model
-- Fire no more. Runs of it stay. With `was` only if it stands at that revision.
-- args: name was
local text = M.hget('schedules', A.name)
if not text then
    return 'not_found'
end
if A.was and A.was ~= unpack_(text)[5] then
    return 'state'
end
M.put_schedule(A.name, nil)
M.commit(true)
return 'ok'
