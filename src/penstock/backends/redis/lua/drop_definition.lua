-- parts: start args model
-- Know it no more, unless somebody has declared it since. Runs of it stay.
-- args: name seen_at
local text = M.hget('definitions', A.name)
if not text then
    return 'not_found'
end
if unpack_(text)[2] ~= A.seen_at then
    return 'state'
end
M.hset('definitions', A.name, nil)
M.commit(true)
return 'ok'
