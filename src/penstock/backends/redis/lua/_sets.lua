-- Sorted sets and hashes as they will be: read as they are, changed in tables.

-- Leaves are new members that were only noted: from here on they are members like others.
local function whole(z)
    for _, leaves in ipairs(z.leaves or {}) do
        for i = 1, leaves.n, 2 do
            z.add[leaves[i + 1]] = leaves[i]
        end
    end
    z.leaves = nil
end

function M.score(z, member)
    whole(z)
    local score = z.add[member]
    if score then
        return score
    end
    return not z.gone[member] and tonumber(call('ZSCORE', z.key, member) or nil) or nil
end

-- `fresh`: the member is new in this script, and can't be there yet.
function M.add(z, member, score, fresh)
    if not fresh and not z.gone[member] and not z.add[member] and call('ZSCORE', z.key, member) then
        z.gone[member] = true
        z.covered = z.covered + 1
    end
    if not z.add[member] then
        z.added = z.added + 1
    end
    z.add[member] = score
end

function M.rem(z, member)
    whole(z)
    if z.add[member] then
        z.added = z.added - 1
        z.add[member] = nil
    end
    if not z.gone[member] and (z.seen[member] or call('ZSCORE', z.key, member)) then
        z.gone[member] = true
        z.covered = z.covered + 1
    end
end

function M.card(z)
    z.base = z.base or call('ZCARD', z.key)
    return z.base - z.covered + z.added
end

local function before(a, b)
    return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1])
end

-- The first members, up to a score, and after (member, score) if given: a list of {member, score}.
function M.range(z, most, upto, from)
    if most <= 0 then
        return {}
    end
    whole(z)
    local found, list = {}, call('ZRANGEBYSCORE', z.key, from and from[2] or '-inf', upto or '+inf',
        'WITHSCORES', 'LIMIT', 0, most + z.covered + (from and M.ties(z, from) or 0))
    for i = 1, #list, 2 do
        local one = { list[i], tonumber(list[i + 1]) }
        z.seen[list[i]] = true
        if not z.gone[one[1]] and (not from or before(from, one)) then
            insert(found, one)
        end
    end
    local stored = #found
    for member, score in pairs(z.add) do
        if (not upto or score <= upto) and (not from or before(from, { member, score })) then
            insert(found, { member, score })
        end
    end
    if #found > stored then -- else they are in order
        table.sort(found, before)
    end
    for i = #found, most + 1, -1 do
        found[i] = nil
    end
    return found
end

function M.ties(z, from)
    return math.min(call('ZCOUNT', z.key, from[2], from[2]), 2000)
end

local function hash(name)
    local h = hashes[name]
    if not h then
        h = { key = P .. ':' .. name, known = {}, set = {} }
        hashes[name] = h
    end
    return h
end

function M.hget(name, field)
    local h = hash(name)
    if h.known[field] == nil then
        h.known[field] = call('HGET', h.key, field)
    end
    return h.known[field] or nil
end

function M.hset(name, field, value)
    local h = hash(name)
    if h.known[field] == nil then
        h.known[field] = call('HGET', h.key, field)
    end
    h.known[field], h.set[field] = value or false, true
end
