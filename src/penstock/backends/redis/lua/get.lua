-- parts: start
-- otherwise: get_any
-- The straight way: plain runs come as they are stored. KEYS: meta, the runs, one that is never there.
local stored = #KEYS > 2 and call('MGET', unpack(KEYS, 2, #KEYS - 1)) or {}
local found, terms, asked, skip = {}, {}, {}, #P + 2
for i, text in ipairs(stored) do
    if text and text:byte(1) < 97 then -- not a small letter: there is more to it
        return otherwise()
    end
    local ref = KEYS[i + 1]:sub(skip)
    local lease = text and text:byte(1) == 114 and call('ZSCORE', P .. ':leases', ref) -- r
    found[i] = text and { ref, text, tonumber(lease or nil) or false }
    local place = text and text:sub(3, 5)
    if place and not asked[place] then
        asked[place] = true
        local number = struct.unpack('>I3', place)
        terms[#terms + 1] = number
        terms[#terms + 1] = call('HGET', P .. ':terms', number)
    end
end
return { found, terms }
