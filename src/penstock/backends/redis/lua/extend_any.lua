-- parts: start args model
-- Keep the leases alive from now on; `stop`: alive, and the run is asked to end.
-- args: leases seconds
local answers = {}
for i, lease in ipairs(A.leases) do
    answers[i] = M.extend(M.ref_of(lease[1]), lease[2], A.seconds)
end
M.commit(true)
return answers
