-- parts: start
-- otherwise: extend_claim_any
-- The straight way: nothing of what the claim has brought was asked to end.
local A = cmsgpack.unpack(ARGV[3])
local claimed = call('HGET', P .. ':claims', A.worker)
local claim_id, from = '', nil
if claimed then
    claim_id, from = struct.unpack('Bc0', claimed)
end
local refs = claim_id == A.claim_id and cmsgpack.unpack(claimed:sub(from)) or {}
if #refs == 0 then
    return 'ok'
end
local keys, leases, until_at = {}, {}, now + A.seconds
for i, ref in ipairs(refs) do
    keys[i] = P .. 'r' .. ref
end
for i, text in ipairs(call('MGET', unpack(keys))) do
    local form = text and text:byte(1)
    if form == 66 then -- B
        return otherwise()
    end
    if (form == 114 or form == 82) and struct.unpack('Bc0', text, HEAD + 8) == claim_id then -- r, R
        leases[#leases + 1] = until_at
        leases[#leases + 1] = refs[i]
    end
end
if #leases > 0 then
    call('EXISTS', P .. ':leases')
    call('ZREM', P .. ':leases', '') -- the first write frees memory, so that a full server lets the other through
    call('ZADD', P .. ':leases', unpack(leases))
end
return 'ok'
