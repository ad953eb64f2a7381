-- parts: start
-- otherwise: settle_any
-- The straight way of runs that are complete and have nothing beside them; all others after these, the other way.
-- ARGV[3]: the other outcomes, and how many bytes they have; ARGV[4]: how many are complete; then the bytes of the others,
-- then token and result of each that is complete. KEYS: meta, the runs that are complete, the others.
local n = tonumber(ARGV[4])
local data = #ARGV - 2 * n
local answers, left, skip = {}, {}, #P + 2
local plain, terms = {}, {}
local SMALL = 16384 -- bytes of a run that its end brings to who waits for it; a larger one is asked for

local function term_of(place)
    local term = terms[place]
    if not term then
        local number = struct.unpack('>I3', place)
        local text = call('HGET', P .. ':terms', number)
        local t = cmsgpack.unpack(text)
        term = { text = text, name = 'over:s:' .. number, queue = t[2], kept = t[6], follows = t[10], n = 0, list = {} }
        terms[place] = term
    end
    return term
end

if n > 0 then
    local stored = call('MGET', unpack(KEYS, 2, n + 1))
    local seen = {}
    for i = 1, n do
        local text, token, key = stored[i], ARGV[data + 2 * i - 1], KEYS[i + 1]
        local form = text and text:byte(1)
        if (form == 114 or form == 82 and text:byte(2) % RANKED < FAMILY) and not seen[key] then -- r, R without a parent
            local from = HEAD + 9 + text:byte(HEAD + 8) -- behind the token
            if text:sub(HEAD + 9, from - 1) ~= token then
                answers[i] = 'lost'
            elseif term_of(text:sub(3, 5)).follows then
                left[#left + 1] = i
            else
                answers[i] = 'ok'
                plain[#plain + 1] = { i, key, text, from }
                seen[key] = true
            end
        elseif (form == 115 or form == 83) and not seen[key] then -- s, S: perhaps by this very call, before
            answers[i] = struct.unpack('Bc0', text, HEAD + 21) == token and 'ok' or 'lost'
        else
            left[#left + 1] = i
        end
    end
end
local m = #plain
if m > 0 then
    local serial = P .. ':serial'
    local finish_no = tonumber(call('GET', serial) or 0)
    call('EXISTS', P .. ':leases', P .. ':counts', P .. ':purges')
    local refs, records, topics = {}, {}, {}
    local moment = struct.pack('>I7', now)
    for k = 1, m do
        local i, key, text, from = unpack(plain[k])
        local term = term_of(text:sub(3, 5))
        local after = from + 1 + text:byte(from) -- behind the worker's name
        local size = text:byte(19) * 256 + text:byte(20) -- of what stands before the input
        if text:byte(1) == 82 then
            size = size + 2 + text:byte(after) * 256 + text:byte(after + 1)
        end
        local ref = key:sub(skip)
        finish_no = finish_no + 1
        records[2 * k - 1] = key
        records[2 * k] = (text:byte(1) == 114 and 's' or 'S') .. text:sub(2, HEAD + 7) .. moment .. struct.pack('>I6', finish_no)
            .. text:sub(HEAD + 8, from - 1) .. struct.pack('>I4', #text - after + 1 - size) .. text:sub(after)
            .. ARGV[data + 2 * i]
        refs[k] = ref
        term.n = term.n + 1
        term.list[2 * term.n - 1], term.list[2 * term.n] = finish_no, ref
        if text:byte(2) % 4 > 0 then
            local record = records[2 * k]
            local brings = text:byte(1) == 114 and #record <= SMALL
            topics[#topics + 1] = P .. ':r:' .. text_of(ref)
            topics[#topics + 1] = brings and struct.pack('>I2', #term.text) .. term.text .. record or ''
        end
    end
    for _, term in pairs(terms) do
        call('EXISTS', P .. ':' .. term.name)
    end
    call('ZREM', P .. ':leases', unpack(refs)) -- first: it frees memory, so that a full server lets the others through
    call('MSET', unpack(records))
    call('INCRBY', serial, m)
    for _, term in pairs(terms) do
        if term.n > 0 then
            call('ZADD', P .. ':' .. term.name, unpack(term.list))
            call('ZADD', P .. ':purges', 'NX', now + term.kept, term.name)
            call('HINCRBY', P .. ':counts', 'r' .. term.queue, -term.n)
            call('HINCRBY', P .. ':counts', 's' .. term.queue, term.n)
        end
    end
    for k = 1, #topics, 2 do
        call('PUBLISH', topics[k], topics[k + 1])
    end
end
if #left == 0 and ARGV[3] == '' then
    return answers
end
return otherwise(answers, left, n, data)
