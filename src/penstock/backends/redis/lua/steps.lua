-- parts: start args model
-- The records of the present history: path, record, ...; those at these paths, or all.
-- args: run_id paths
M.reads = true
local r = M.row(M.ref_of(A.run_id))
local found = {}
if A.paths then
    local stored = r and r.has_steps and #A.paths > 0 and call('HMGET', P .. ':steps:' .. r.ref, unpack(A.paths)) or {}
    for i, text in ipairs(stored) do
        if text then
            insert(found, A.paths[i])
            insert(found, unpack_(text))
        end
    end
    return found
end
local list = r and r.has_steps and call('HGETALL', P .. ':steps:' .. r.ref) or {}
for i = 1, #list, 2 do
    insert(found, list[i])
    insert(found, unpack_(list[i + 1]))
end
return found
