-- parts: start args model
-- The run's mailbox: name, number, payload, moment of each.
-- args: run_id
M.reads = true
local r = M.row(M.ref_of(A.run_id))
local found = {}
for _, text in ipairs(r and r.mail and call('LRANGE', P .. ':mail:' .. r.ref, 0, -1) or {}) do
    insert(found, unpack_(text))
end
return found
