-- Carry out what has changed: all keys are met, then written, in bundles. Nothing here can fail.

local queue = {}
local function write(...)
    insert(queue, { ... })
end

-- Writes of one kind to one key travel together: a sink has their arguments one after the other. Without a key: of runs,
-- which have been read.
local TOGETHER = 2000 -- arguments of one command, an even number
local sinks = {}
function M.sink(command, key)
    local name = command .. key
    local sink = sinks[name]
    if not sink then
        sink = { command, key ~= '' and key or nil, list = {}, n = 0 }
        sinks[name] = sink
        insert(queue, sink)
    end
    return sink
end

function M.pour(sink, a, b)
    local n, list = sink.n + 1, sink.list
    list[n] = a
    if b ~= nil then
        n = n + 1
        list[n] = b
    end
    sink.n = n
end

-- Many with their scores, one after the other, to where this sink goes.
function M.put_leaves(sink, leaves)
    insert(queue, { sink[1], sink[2], list = leaves, n = leaves.n })
end

local function empty(sink)
    local command, key, list, n = sink[1], sink[2], sink.list, sink.n
    for i = 1, n, TOGETHER do
        if key then
            call(command, key, unpack(list, i, math.min(i + TOGETHER - 1, n)))
        else
            call(command, unpack(list, i, math.min(i + TOGETHER - 1, n)))
        end
    end
end

local function bundle(command, key, a, b)
    M.pour(M.sink(command, key), a, b)
end

-- Runs that need not be rows: stored, listed and counted as they are, before all rows.

function M.put_text(ref, text)
    texts[ref], rows[ref] = text, nil -- it may have been looked for before
    bundle('MSET', '', M.run_key(ref), text)
end

function M.put_gone(ref)
    texts[ref], rows[ref] = false, nil
    bundle('UNLINK', '', M.run_key(ref))
end

function M.put_listed(name, score, member)
    bundle('ZADD', P .. ':' .. name, score, member)
end

function M.put_unlisted(name, member)
    bundle('ZREM', P .. ':' .. name, member)
end

local counts = {} -- state and queue -> how many more there are
function M.count_more(field, change)
    counts[field] = (counts[field] or 0) + change
end

-- The changes of one row.
local function put_row(r)
    local listed = {}
    if not r.deleted then
        listed = M.listed(r)
        local text = M.closed(r)
        r.stored = text
        if text ~= r.text then
            bundle('MSET', '', M.run_key(r.ref), text)
        end
    elseif r.text then
        write('UNLINK', M.run_key(r.ref))
    end
    local was = r.was_listed or {}
    for name in pairs(was) do
        if listed[name] == nil then
            bundle('ZREM', P .. ':' .. name, r.ref)
        end
    end
    for name, score in pairs(listed) do
        if score ~= true and was[name] ~= score then
            bundle('ZADD', P .. ':' .. name, score, r.ref)
            if name:find('^over:.:%d+$') then -- alone in the world: it goes when the head of this index is due
                M.later('ZADD', P .. ':purges', 'NX', M.goes_at(r), name)
            end
        end
    end
    local state, line = not r.deleted and r.state or nil, M.of(r).queue
    if r.was ~= state or r.was_queue ~= line then
        if r.was then
            M.count_more(r.was .. r.was_queue, -1)
        end
        if state then
            M.count_more(state .. line, 1)
        end
    end
end

-- Sorted sets and hashes, as writes.
local function put_rest()
    for _, z in pairs(zsets) do
        local gone, added, pour = M.sink('ZREM', z.key), M.sink('ZADD', z.key), M.pour
        for member in pairs(z.gone) do
            if z.add[member] == nil then
                pour(gone, member)
            end
        end
        for member, score in pairs(z.add) do
            pour(added, score, member)
        end
        for _, leaves in ipairs(z.leaves or {}) do
            M.put_leaves(added, leaves)
        end
    end
    for _, h in pairs(hashes) do
        for field in pairs(h.set) do
            local value = h.known[field]
            if value then
                bundle('HSET', h.key, field, value)
            else
                write('HDEL', h.key, field)
            end
        end
    end
end

-- Meet every key that is to be written. One that is on its way to another node stops the script here, and not between
-- two writes.
local function meet()
    local keys, seen = {}, {}
    for _, one in ipairs(queue) do
        if one[2] and one.n ~= 0 and not seen[one[2]] then
            seen[one[2]] = true
            insert(keys, one[2])
        end
    end
    for i = 1, #keys, 1000 do
        call('EXISTS', unpack(keys, i, math.min(i + 999, #keys)))
    end
end

-- Carry out everything that has changed. `drains`: the first write frees memory, so that a full server lets this one
-- through.
function M.commit(drains)
    if M.lines_touched then
        M.settle_lines()
    end
    if drains then
        insert(queue, 1, { 'ZREM', P .. ':leases', '' })
    end
    for _, r in pairs(rows) do
        if r then
            put_row(r)
        end
    end
    if serial and serial ~= serial_before then
        write('SET', P .. ':serial', string.format('%.0f', serial))
    end
    put_rest()
    for _, one in ipairs(later) do
        insert(queue, one)
    end
    for field, change in pairs(counts) do
        if change ~= 0 then
            write('HINCRBY', P .. ':counts', field, change)
        end
    end
    for name in pairs(calmed) do
        if not rung['q:' .. name] then
            write('ZREM', P .. ':bell:' .. name, '1')
        end
    end
    for topic in pairs(rung) do
        if topic:sub(1, 2) == 'q:' then
            write('ZADD', P .. ':bell:' .. topic:sub(3), 0, '1')
        end
    end
    meet()
    for _, one in ipairs(queue) do
        if one.list then
            empty(one)
        else
            call(unpack(one))
        end
    end
    for topic in pairs(rung) do
        if topic:sub(1, 2) == 'b:' then -- to all who listen there, not to the first
            call('PUBLISH', P .. ':q:' .. topic:sub(3), '')
        elseif topic:sub(1, 2) ~= 'q:' then
            call('PUBLISH', P .. ':' .. topic, '')
        end
    end
end
