-- parts: start args model
-- Runs of one index, newest first; or those in some states, from the structures that drive them. Where to go on comes
-- back with them; false: nobody can have been told to go on there.
-- args: index ref states queue task limit
M.reads = true
local WHERE = { -- in each source: the types of what tells the place
    a = { 'string', 'boolean' }, b = { 'string', 'number' }, c = { 'string', 'number' }, d = { 'string', 'number' },
    e = { 'string', 'boolean' }, g = { 'string', 'number' }, f = { 'number', 'boolean' }, index = { 'number', 'boolean' },
}
local given, after = bytes(), nil -- source, queue, then where in it
if given then
    local fine, place = pcall(unpack_, given)
    local types = fine and type(place) == 'table' and WHERE[place[1] or '']
    if not types or (place[1] == 'index') ~= (A.index ~= nil) or type(place[2]) ~= 'string'
        or type(place[3]) ~= types[1] or type(place[4]) ~= types[2] then
        return false
    end
    after = place
end
local found, asked, next_ = {}, {}, nil
local most = A.limit + 1

local function show(r, source, queue, a, b)
    if #found == A.limit then
        return true -- there is more
    end
    insert(found, M.seen(r, asked))
    next_ = pack({ source, queue, a, b or false })
    return false
end

-- Runs of these indexes, highest scores first: below the one after which to go on, if given.
local function newest(source, names, from)
    local upto = from and '(' .. string.format('%.0f', from) or '+inf'
    local all = {}
    for _, name in ipairs(names) do
        local list = call('ZREVRANGEBYSCORE', P .. ':' .. name, upto, '-inf', 'WITHSCORES', 'LIMIT', 0, most)
        for i = 1, #list, 2 do
            insert(all, { list[i], tonumber(list[i + 1]) })
        end
    end
    table.sort(all, function(a, b)
        return a[2] > b[2]
    end)
    for _, one in ipairs(all) do
        local r = M.row(one[1])
        if r and show(r, source, '', one[2]) then
            return true
        end
    end
    return false
end

-- Newcomers of a queue; their entries are in the order of rank, so the place after one is found by halving.
local function newcomers(queue, from)
    local name, low = P .. ':new:' .. queue, 0
    if from then
        local high = call('LLEN', name)
        while low < high do
            local middle = math.floor((low + high) / 2)
            if call('LINDEX', name, middle) <= from then
                low = middle + 1
            else
                high = middle
            end
        end
    end
    while true do
        local entries = call('LRANGE', name, low, low + 99)
        for _, entry in ipairs(entries) do
            local r = M.row(entry:sub(8))
            local same = r and r.state == 'q' and r.place == 'L'
                and struct.pack('>I7', r.rank + FIRST) .. r.ref == entry
            if same and show(r, 'a', queue, entry) then
                return true
            end
        end
        if #entries < 100 then
            return false
        end
        low = low + 100
    end
end

-- A sorted set in its order; `state`: only these of it; `entries`: of runs with their rank.
local function listed(source, queue, name, from, state, entries)
    local z = M.zset(name)
    while true do
        local page = M.range(z, 100, nil, from)
        for _, one in ipairs(page) do
            from = one
            local r = M.row(entries and one[1]:sub(8) or one[1])
            if r and (not state or r.state == state) and show(r, source, queue, one[1], one[2]) then
                return true
            end
        end
        if #page < 100 then
            return false
        end
    end
end

-- Running runs in an order that keeping a lease alive does not change.
local function running(from)
    local refs = call('ZRANGE', P .. ':leases', 0, -1)
    table.sort(refs)
    for _, ref in ipairs(refs) do
        if not from or ref > from then
            local r = M.row(ref)
            if r and show(r, 'e', '', ref) then
                return true
            end
        end
    end
    return false
end

-- Finished runs by their finish, over all indexes that may have some.
local function over(states, from)
    local numbers = A.task and call('ZRANGE', P .. ':termsof:' .. A.task, 0, -1) or call('HKEYS', P .. ':terms')
    local names = {}
    for _, number in ipairs(numbers) do
        for state in states:gmatch('.') do
            for _, rest in ipairs({ '', ':root', ':child' }) do
                insert(names, 'over:' .. state .. ':' .. number .. rest)
            end
        end
    end
    return newest('f', names, from)
end

local function has(state)
    return A.states == '' or A.states:find(state, 1, true) ~= nil
end

-- The sources in their order: {letter, queue, walk}.
local function sources()
    local all, queues = {}, {}
    if has('q') then
        if A.queue then
            queues = { A.queue }
        else
            for _, field in ipairs(call('HKEYS', P .. ':counts')) do
                if field:sub(1, 1) == 'q' then
                    insert(queues, field:sub(2))
                end
            end
        end
        table.sort(queues)
        for _, queue in ipairs(queues) do
            insert(all, { 'a', queue, function(a) return newcomers(queue, a) end })
            insert(all, { 'b', queue, function(a, b)
                return listed('b', queue, 'ready:' .. queue, a and { a, b }, nil, true)
            end })
        end
        insert(all, { 'c', '', function(a, b) return listed('c', '', 'beside', a and { a, b }) end })
    end
    if has('d') then
        insert(all, { 'd', '', function(a, b) return listed('d', '', 'due', a and { a, b }, 'd') end })
    end
    if has('r') then
        insert(all, { 'e', '', running })
    end
    if has('w') then
        insert(all, { 'g', '', function(a, b) return listed('g', '', 'waiting', a and { a, b }) end })
    end
    local ended = A.states == '' and 'sfc' or A.states:gsub('[^sfc]', '')
    if ended ~= '' then
        insert(all, { 'f', '', function(a) return over(ended, a) end })
    end
    return all
end

local function walk()
    if A.index then
        local ref = A.ref and M.ref_of(A.ref) or ''
        local names = A.index == 'children:' and { 'children:' .. ref, 'started:' .. ref } or { A.index .. ref }
        return newest('index', names, after and after[3])
    end
    local reached = after == nil
    for _, source in ipairs(sources()) do
        local here = after and not reached and source[1] == after[1] and source[2] == after[2]
        if reached or here then
            local more
            if here then
                more = source[3](after[3], after[4] or nil)
            else
                more = source[3]()
            end
            if more then
                return true
            end
            reached = true
        end
    end
    return false
end

local more = walk()
return { found, M.shown_terms(asked), more and next_ or false }
