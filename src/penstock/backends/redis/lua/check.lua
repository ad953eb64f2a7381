-- parts: start args model
-- What is wrong with this store, one sentence each: indexes against rows, counters against what they count.
-- `cursor`: one page of a walk through a large store, and only what its rows say; comes back with where to go on.
-- args: cursor
M.reads = true
local problems = {}
local all, others = {}, {}

local function wrong(...)
    local words = {}
    for _, word in ipairs({ ... }) do
        insert(words, type(word) == 'string' and #word == 16 and text_of(word) or tostring(word))
    end
    insert(problems, table.concat(words, ' '))
end

local cursor = A.cursor or '0'
repeat
    local found = call('SCAN', cursor, 'MATCH', P .. '*', 'COUNT', A.cursor and 100 or 1000)
    cursor = found[1]
    for _, key in ipairs(found[2]) do
        if key:sub(#P + 1, #P + 1) == 'r' then
            all[key:sub(#P + 2)] = true
        elseif key:sub(#P + 1, #P + 1) == ':' then
            others[key:sub(#P + 2)] = true
        end
    end
until A.cursor or cursor == '0'

local members = {} -- sorted set -> how many rows say that they are in it
local counts = {}
local slots = {}

local function expect(name, member, score)
    members[name] = (members[name] or 0) + 1
    local found = tonumber(call('ZSCORE', P .. ':' .. name, member) or nil)
    if not found then
        wrong(member, 'is not listed in', name)
    elseif score ~= true and found ~= score then
        wrong(member, 'is listed in', name, 'at', found, 'and not', score)
    end
end

local function check_place(r)
    if (r.state == 'q') ~= (r.place ~= nil) then
        wrong(r.ref, 'is', M.WORDS[r.state], 'and stands in', r.place)
    end
    local term = M.of(r)
    if r.place == 'L' then
        local name = 'new:' .. term.queue
        members[name] = members[name] or {}
        members[name][struct.pack('>I7', r.rank + FIRST) .. r.ref] = true
    elseif r.place == 'Z' or r.place == 'F' then
        local entry, score = M.entry(r)
        expect(r.place == 'Z' and 'ready:' .. term.queue or 'behind:' .. M.value_of(r), entry, score)
        if r.turn then
            expect('turns:' .. M.value_of(r), M.standing(r))
        end
        if (r.fair ~= nil) ~= (r.turn ~= nil or r.place == 'F') then
            wrong(r.ref, 'stands ready with value', r.fair, 'and turn', r.turn)
        end
        if r.line then
            expect('out:' .. term.queue .. ':' .. r.priority .. ':' .. r.line, r.ref, true)
        end
    elseif r.place == 'P' then
        expect('parked:' .. term.queue .. ':' .. r.priority .. ':' .. r.line,
            struct.pack('>I7', r.rank + FIRST) .. r.ref, r.woken and 0 or 1)
    elseif r.place == 'S' then
        local entry, score = M.entry(r)
        expect('side:' .. term.queue .. ':' .. pack({ term.task, term.version, r.refused }), entry, score)
    end
    if r.line and not r.place then
        wrong(r.ref, 'is a member of the line', r.line, 'and stands nowhere')
    end
end

local function check_row(r)
    for name, score in pairs(M.listed(r)) do
        expect(name, r.ref, score)
    end
    check_place(r)
    local finished = M.finished(r)
    if (r.state == 'r') ~= (r.token ~= nil) then
        wrong(r.ref, 'is', M.WORDS[r.state], 'with token', r.token)
    end
    if r.state == 'd' and not r.due_at then
        wrong(r.ref, 'is scheduled for no moment')
    end
    if finished ~= (r.finished_at ~= nil) then
        wrong(r.ref, 'is', M.WORDS[r.state], 'and finished at', r.finished_at)
    end
    if r.state == 'w' and not (r.wake or r.returned or r.open or r.mark) then
        wrong(r.ref, 'waits for nothing')
    end
    for _, line in ipairs(r.slots or {}) do
        expect('held:' .. line, r.ref, true)
        local definition = M.limit(line)
        if r.state ~= 'r' and (finished or not definition or not definition.hold) then
            wrong(r.ref, 'is', M.WORDS[r.state], 'and holds', line)
        end
    end
    local pending, kids = 0, call('ZRANGE', P .. ':children:' .. r.ref, 0, -1)
    for _, ref in ipairs(call('ZRANGE', P .. ':started:' .. r.ref, 0, -1)) do
        insert(kids, ref)
    end
    for _, ref in ipairs(kids) do
        local child = M.row(ref)
        if not child or child.parent ~= r.ref then
            wrong(ref, 'is listed as a child of', r.ref, 'and is none')
        elseif child.kind == 'dependency' and not child.counted then
            pending = pending + 1
        end
    end
    if #kids ~= r.kids then
        wrong(r.ref, 'says it has', r.kids, 'children, and', #kids, 'are listed')
    end
    if pending ~= r.pending then
        wrong(r.ref, 'has pending', r.pending, 'and', pending, 'dependencies that do not count')
    end
    if r.parent then
        if M.row(r.parent) then
            expect((r.kind == 'started' and 'started:' or 'children:') .. r.parent, r.ref, r.seq)
        elseif r.kind ~= 'started' then
            wrong(r.ref, 'is a child of', r.parent, 'which is gone')
        end
    end
    local field = r.state .. M.of(r).queue
    counts[field] = (counts[field] or 0) + 1
    for name, has in pairs({ steps = r.has_steps, mail = r.mail, log = r.has_log, heard = r.heard, awaits = r.awaits }) do
        if others[name .. ':' .. r.ref] and not has then
            wrong(r.ref, 'does not know of its', name)
        end
    end
end

for ref in pairs(all) do
    check_row(M.row(ref))
end

if A.cursor then
    return { cursor, problems }
end

local OF_RUNS = { due = 1, ends = 1, waiting = 1, leases = 1, marks = 1, beside = 1, trees = 1, dead = 1, over = 1, root = 1,
    schedule = 1, ticking = 1, tag = 1, ready = 1, turns = 1, behind = 1,
    out = 1, parked = 1, side = 1, held = 1, children = 1, started = 1 }
local OF_ONE = { steps = 1, mail = 1, log = 1, heard = 1, awaits = 1, blockers = 1, children = 1, started = 1 }
for name in pairs(others) do
    local kind = name:match('^[^:]*')
    if OF_RUNS[kind] then
        local listed = call('ZCARD', P .. ':' .. name)
        if listed ~= (members[name] or 0) then
            wrong(name, 'lists', listed, 'and', members[name] or 0, 'runs stand in it')
        end
    elseif kind == 'new' then
        for _, entry in ipairs(call('LRANGE', P .. ':' .. name, 0, -1)) do
            if members[name] then
                members[name][entry] = nil
            end
        end
    end
    if OF_ONE[kind] and not all[name:sub(#kind + 2)] then
        wrong(name, 'belongs to no run')
    end
end
for name, missing in pairs(members) do
    if type(missing) == 'table' then
        for entry in pairs(missing) do
            wrong(entry:sub(8), 'is not listed in', name)
        end
    end
end
local list = call('HGETALL', P .. ':counts')
for i = 1, #list, 2 do
    if tonumber(list[i + 1]) ~= (counts[list[i]] or 0) then
        wrong('the count', list[i], 'is', list[i + 1], 'of', counts[list[i]] or 0)
    end
    counts[list[i]] = nil
end
for field, n in pairs(counts) do
    wrong('the count', field, 'is missing of', n)
end

-- Nowhere is there room beside a parked member.
for _, limited in ipairs(M.range(M.zset('limited'), 1000)) do
    for _, one in ipairs(M.range(M.zset('lines:' .. limited[1]), 1000)) do
        local line = one[1]
        for _, group in ipairs(M.range(M.zset('groups:' .. line), 1000)) do
            local parked = M.card(M.zset('parked:' .. group[1] .. ':' .. line))
            local out = M.card(M.zset('out:' .. group[1] .. ':' .. line))
            if parked > 0 and not M.limit(line).period and out < M.free(line) and not M.score(M.zset('sweeps'), limited[1]) then
                wrong(line, 'has room for', group[1], 'and', parked, 'are parked')
            end
            local free = M.limit(line).period and M.limit(line).n > 0 and not M.line_paused(line) and M.free(line)
            if parked > 0 and free and (free == 0 or out < free) and not M.score(M.zset('rates'), line) then
                wrong(line, 'has', parked, 'parked, and no moment at which they go on')
            end
        end
    end
end
for name in pairs(others) do
    if name:sub(1, 7) == 'behind:' then
        local up, first = M.range(M.zset('turns:' .. name:sub(8)), 1000), M.range(M.zset(name), 1)[1]
        local last, r = up[#up], M.row(first[1]:sub(8))
        if #up < (r.weight or 1) then
            wrong(r.ref, 'stands behind in', name, 'and there is room')
        elseif last[2] > first[2] or (last[2] == first[2] and last[1] > first[1]) then
            wrong(r.ref, 'stands behind in', name, 'one that goes later')
        end
    elseif name:sub(1, 4) == 'key:' then
        local entry = unpack_(call('GET', P .. ':' .. name))
        local next_ = entry[4] and M.row(entry[4])
        if entry[4] and not (next_ and next_.state == 'w') then
            wrong(name, 'is to go to', entry[4], 'which does not wait for it')
        end
        if not entry[3] and not M.row(entry[2]) then
            wrong(name, 'stands for', entry[2], 'which is gone, and never expires')
        end
    end
end
return { '0', problems }
