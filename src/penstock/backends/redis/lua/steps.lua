-- parts: start args model
-- The records of the present history: path, record, ...
-- args: run_id
M.reads = true
local r = M.row(M.ref_of(A.run_id))
local found = {}
local list = r and r.has_steps and call('HGETALL', P .. ':steps:' .. r.ref) or {}
for i = 1, #list, 2 do
    insert(found, list[i])
    insert(found, unpack_(list[i + 1]))
end
return found
