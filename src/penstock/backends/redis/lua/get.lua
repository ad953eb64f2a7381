-- parts: start
-- otherwise: get_any
-- The straight way: plain runs come as they are stored, and what stands beside that apart. KEYS: meta, the runs, one that is
-- never there.
local stored = #KEYS > 2 and call('MGET', unpack(KEYS, 2, #KEYS - 1)) or {}
local found, terms, asked, skip = {}, {}, {}, #P + 2
for i, text in ipairs(stored) do
    local form = text and text:byte(1)
    local state, beside = form, nil
    if form and form < 97 then -- not a small letter: there is more to it
        if form < 81 then -- neither Q, R nor S
            return otherwise()
        end
        local from = HEAD + 1
        if form == 82 then
            from = HEAD + 9 + text:byte(HEAD + 8)
            from = from + 1 + text:byte(from)
        elseif form == 83 then
            from = HEAD + 26 + text:byte(HEAD + 21)
        end
        local size = text:byte(from) * 256 + text:byte(from + 1)
        beside = cmsgpack.unpack(text:sub(from + 2, from + 1 + size))
        for k = 1, #beside, 2 do
            if beside[k] == KIND and beside[k + 1] == 'started' then
                return otherwise() -- its parent may be gone
            end
        end
        state = form + 32
        text = string.char(state) .. text:sub(2, from - 1) .. text:sub(from + 2 + size)
    end
    local ref = KEYS[i + 1]:sub(skip)
    local lease = state == 114 and call('ZSCORE', P .. ':leases', ref) -- r
    found[i] = text and { ref, text, tonumber(lease or nil) or false, beside }
    local place = text and text:sub(3, 5)
    if place and not asked[place] then
        asked[place] = true
        local number = struct.unpack('>I3', place)
        terms[#terms + 1] = number
        terms[#terms + 1] = call('HGET', P .. ':terms', number)
    end
end
return { found, terms }
