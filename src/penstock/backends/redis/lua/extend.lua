-- parts: start
-- otherwise: extend_any
-- The straight way: runs that nobody has asked to end. KEYS: meta, the runs, one that is never there.
local A = cmsgpack.unpack(ARGV[3])
local stored = #KEYS > 2 and call('MGET', unpack(KEYS, 2, #KEYS - 1)) or {}
local answers, leases, until_at, skip = {}, {}, now + A.seconds, #P + 2
for i, lease in ipairs(A.leases) do
    local text = stored[i]
    local form = text and text:byte(1)
    if form == 66 then -- B
        return otherwise()
    end
    local held = (form == 114 or form == 82) and struct.unpack('Bc0', text, HEAD + 8) == lease[2] -- r, R
    answers[i] = held and 'ok' or 'lost'
    if held then
        leases[#leases + 1] = until_at
        leases[#leases + 1] = KEYS[i + 1]:sub(skip)
    end
end
if #leases > 0 then
    call('EXISTS', P .. ':leases')
    call('ZREM', P .. ':leases', '') -- the first write frees memory, so that a full server lets the other through
    call('ZADD', P .. ':leases', unpack(leases))
end
return answers
