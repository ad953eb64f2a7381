-- parts: start args model
-- Keep alive what the worker's last claim has brought, if that is this one: its answer may be on its way.
-- args: worker claim_id seconds
local claim_id, known = M.claimed(A.worker)
if claim_id == A.claim_id then
    for _, ref in ipairs(known) do
        M.extend(ref, claim_id, A.seconds)
    end
end
M.commit(true)
return 'ok'
