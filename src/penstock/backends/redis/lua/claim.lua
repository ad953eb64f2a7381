-- parts: start
-- otherwise: claim_any
-- The straight way: newcomers from the heads of their lists, nothing beside them. Whatever else is met: the other way,
-- before anything has been written. `waits`: it was sent ahead, and has waited for a ring.
-- args: claim_id worker queues abilities limit lease waits over
local A = cmsgpack.unpack(ARGV[3])
if A.waits and call('EXISTS', P .. ':claim:' .. A.claim_id) > 0 then
    return { 0, {}, {} } -- it was given up, and whoever made it does not hear this
end
local before = call('HGET', P .. ':claims', A.worker)
if A.over or before and before:sub(2, 1 + before:byte(1)) == A.claim_id then
    return otherwise()
end

local paused = call('EXISTS', P .. ':paused') > 0
local known, asked = {}, {} -- term, as in the record -> may be taken; the terms themselves
local function able(term3)
    if known[term3] == nil then
        local number = struct.unpack('>I3', term3)
        local text = call('HGET', P .. ':terms', number)
        local term = cmsgpack.unpack(text)
        known[term3] = false
        if not (paused and call('HGET', P .. ':paused', 'task:' .. term[1])) then
            for _, one in ipairs(A.abilities[term[1]] or {}) do
                known[term3] = known[term3] or term[3] == '' or term[3] == one[1]
            end
        end
        asked[#asked + 1] = number
        asked[#asked + 1] = text
    end
    return known[term3]
end

-- Whether this worker might serve a side line of the queue.
local function beside(queue)
    for _, side in ipairs(call('ZRANGE', P .. ':sides:' .. queue, 0, 50)) do
        if A.abilities[cmsgpack.unpack(side:sub(#queue + 2))[1]] then
            return true
        end
    end
    return false
end

-- Whether nothing above a run with these fields beside its own stops it: a parent that is there, and has no mark.
local besides, met, parents = {}, {}, {}
local function free(packed)
    if met[packed] == nil then
        local fields = cmsgpack.unpack(packed)
        met[packed] = true
        besides[#besides + 1] = packed
        besides[#besides + 1] = fields
        for i = 1, #fields, 2 do
            if fields[i] == PARENT then
                local parent = fields[i + 1]
                if parents[parent] == nil then
                    parents[parent] = call('EXISTS', P .. 'r' .. parent) > 0 and not call('ZSCORE', P .. ':marks', parent)
                end
                met[packed] = parents[parent]
            end
        end
    end
    return met[packed]
end

-- Newcomers, and those that stand by rank: {entry, whether by rank, ...} in the order of claims; how many are newcomers.
local function merged(entries, ranked, most)
    local list, i, j = {}, 1, 1
    while #list < most * 2 and (entries[i] or ranked[j]) do
        local score = tonumber(ranked[j + 1])
        local first = entries[i] and (not score or NEWCOMER < score or (NEWCOMER == score and entries[i] < ranked[j]))
        list[#list + 1] = first and entries[i] or ranked[j]
        list[#list + 1] = not first
        if first then
            i = i + 1
        else
            j = j + 2
        end
    end
    return list, i - 1
end

local found, records, leases, gone, refs = {}, {}, {}, {}, {}
local n, limit = 0, math.min(A.limit, 500)
local tail = struct.pack('>I7Bc0Bc0', now, #A.claim_id, A.claim_id, #A.worker, A.worker)
local until_at = now + A.lease
for _, queue in ipairs(A.queues) do
    if n >= limit then
        break
    end
    if beside(queue) or (paused and call('HGET', P .. ':paused', 'queue:' .. queue)) then
        return otherwise()
    end
    local list, ready = P .. ':new:' .. queue, P .. ':ready:' .. queue
    local entries = call('LRANGE', list, 0, limit - n - 1)
    local ranked = call('ZRANGE', ready, 0, limit - n - 1, 'WITHSCORES')
    local took, newcomers = #entries, #entries
    local both
    if #ranked > 0 then
        both, newcomers = merged(entries, ranked, limit - n)
        took = #both / 2
    end
    if took > 0 then
        local keys, here, prefix, left = {}, {}, P .. 'r', {}
        for i = 1, took do
            local entry = both and both[2 * i - 1] or entries[i]
            here[i] = entry:sub(8)
            keys[i] = prefix .. here[i]
            if both and both[2 * i] then
                left[#left + 1] = entry
            end
        end
        local stored = call('MGET', unpack(keys))
        for i = 1, took do
            local text, ref = stored[i], here[i]
            local entry = both and both[2 * i - 1] or entries[i]
            local form, flags = text and text:byte(1), text and text:byte(2)
            if form ~= 113 and form ~= 81 or text:sub(6, 11) ~= entry:sub(2, 7) or entry:byte(1) ~= 16 then -- q, Q
                return otherwise()
            end
            local by_rank = flags % COUNTED >= RANKED
            if flags % 4 == 2 or by_rank ~= (both ~= nil and both[2 * i]) or not able(text:sub(3, 5)) then
                return otherwise() -- somebody follows it; it stands elsewhere by now; this worker does not know it
            end
            local record
            if form == 113 then
                record = 'r' .. text:sub(2, HEAD) .. tail .. text:sub(HEAD + 1)
            else
                local size = text:byte(HEAD + 1) * 256 + text:byte(HEAD + 2)
                if not free(text:sub(HEAD + 3, HEAD + 2 + size)) then
                    return otherwise()
                end
                record = 'R' .. string.char(by_rank and flags - RANKED or flags) .. text:sub(3, HEAD) .. tail
                    .. text:sub(HEAD + 1)
            end
            n = n + 1
            records[2 * n - 1], records[2 * n] = keys[i], record
            found[2 * n - 1], found[2 * n] = ref, record
            leases[2 * n - 1], leases[2 * n] = until_at, ref
            refs[n] = ref
        end
        call('EXISTS', P .. ':bell:' .. queue)
        gone[#gone + 1] = { list = list, newcomers = newcomers, ready = ready, left = left, queue = queue, n = took,
            more = call('LLEN', list) > newcomers or #ranked > 0 and call('ZCARD', ready) > #left }
    end
end
if n == 0 then
    return { 0, {}, {} }
end
call('EXISTS', P .. ':leases', P .. ':counts', P .. ':claims')
call('ZREM', P .. ':leases', '') -- the first write frees memory, so that a full server lets the others through
call('MSET', unpack(records))
call('ZADD', P .. ':leases', unpack(leases))
for _, one in ipairs(gone) do
    if one.newcomers > 0 then
        call('LTRIM', one.list, one.newcomers, -1)
    end
    if #one.left > 0 then
        call('ZREM', one.ready, unpack(one.left))
    end
    call('HINCRBY', P .. ':counts', 'q' .. one.queue, -one.n)
    call('HINCRBY', P .. ':counts', 'r' .. one.queue, one.n)
    if one.more then
        call('ZADD', P .. ':bell:' .. one.queue, 0, '1')
    else
        call('ZREM', P .. ':bell:' .. one.queue, '1') -- nothing is left: whoever waits need not look
    end
end
call('HSET', P .. ':claims', A.worker, struct.pack('Bc0', #A.claim_id, A.claim_id) .. cmsgpack.pack(refs))
return { n == limit and limit < A.limit and 1 or 0, found, asked, besides }
