-- parts: start
-- otherwise: watch_any
-- The straight way: of packed runs only the flags change. KEYS: meta, the runs, one that is never there.
-- A plain run that has finished is brought along, as its end brings it to who waits by then.
local WORDS = { s = 'succeeded', d = 'scheduled', q = 'queued', r = 'running' }
local how = cmsgpack.unpack(ARGV[3]).log and 2 or 1
local stored = #KEYS > 2 and call('MGET', unpack(KEYS, 2, #KEYS - 1)) or {}
local answers, changed = {}, {}
local terms, room = {}, how == 1 and 65536 or 0 -- bytes of runs that are brought along
for i, text in ipairs(stored) do
    local form = text and text:sub(1, 1)
    if form == 'B' then
        return otherwise()
    end
    answers[i] = text and WORDS[form:lower()]
    if form == 's' and #text <= room then
        local number = struct.unpack('>I3', text:sub(3, 5))
        terms[number] = terms[number] or call('HGET', P .. ':terms', number)
        answers[i] = { answers[i], struct.pack('>I2', #terms[number]) .. terms[number] .. text }
        room = room - #text
    end
    local flags = text and text:byte(2)
    if text and flags % 4 < how then
        changed[#changed + 1] = KEYS[i + 1]
        changed[#changed + 1] = form .. string.char(flags - flags % 4 + how) .. text:sub(3)
    end
end
if #changed > 0 then
    call('EXISTS', P .. ':leases')
    call('ZREM', P .. ':leases', '') -- the first write frees memory, so that a full server lets the other through
    call('MSET', unpack(changed))
end
return answers
