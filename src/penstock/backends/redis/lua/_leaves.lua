-- New runs of which nothing is to be known but what is stored of them: without a key, limits, a moment at which they end, or
-- runs below them. They need not be rows. What many have in common is a shape, which is made once.

-- What stands for the names of the runs, which differ, until each is stored.
local NAME = '\0\0name\0\0'

-- `given`: the fields of a run as it comes, without its id. Makes of these what all runs of the shape are stored as.
local function made(given)
    local r = { term = M.number_of(given.term), no = 1, rank = 1, enqueued_at = now, since_at = now, input = '', options = '',
        priority = given.priority, at = given.at, delay = given.delay, tags = given.tags, state = 'q', place = 'L' }
    local term, parent = M.term(r.term), nil
    local due_at = given.at or now + (given.delay or 0)
    if due_at > now then
        r.state, r.place, r.rank, r.due_at = 'd', nil, nil, due_at
    elseif given.priority then
        r.place = 'Z'
    end
    if given.parent then
        parent = M.row(M.ref_of(given.parent))
        r.parent, r.kind, r.if_fails, r.name, r.cascade = parent.ref, given.kind, given.if_fails, '', given.cascade
        r.name = given.name and NAME or ''
        if r.kind ~= 'started' then
            r.root, r.depth = parent.root or parent.ref, parent.depth + 1
        end
    end
    local text, listed = M.closed(setmetatable(r, M.AS_USUAL)), {}
    for name in pairs(M.listed(r)) do
        insert(listed, { M.sink('ZADD', P .. ':' .. name), name == 'due' and due_at or nil })
    end
    local beside, before, after = text:sub(HEAD + 1), nil, nil
    if r.name == NAME then
        local named = pack(NAME)
        local first = beside:find(named, 1, true)
        before, after = beside:sub(3, first - 1), beside:sub(first + #named)
    end
    local place
    if r.place == 'Z' then
        place = M.sink('ZADD', P .. ':ready:' .. term.queue)
    elseif r.place == 'L' then
        place = M.sink('RPUSH', P .. ':new:' .. term.queue)
    end
    return { head = text:sub(1, 5), moment = text:sub(12, 18), beside = beside, before = before, after = after,
        texts = M.sink('MSET', ''), listed = listed, place = place, score = r.place == 'Z' and (1000 - r.priority) * 2 + 1 or nil, n = 0,
        state = r.state, queue = term.queue, parent = parent, waits = r.kind == 'dependency',
        family = parent and M.siblings(parent, r) or nil }
end

-- Whether all runs of the group are new. If one is not, all come as rows.
function M.all_new(group)
    local keys, seen = {}, {}
    for i, new in ipairs(group.runs) do
        if type(new) == 'number' then
            local ref = group.refs[i]
            if seen[ref] or rows[ref] or texts[ref] then
                return false
            end
            seen[ref] = true
            insert(keys, M.run_key(ref))
        elseif M.row(M.ref_of(new.id)) then
            return false
        end
    end
    return #keys == 0 or call('EXISTS', unpack(keys)) == 0
end

-- A run as it comes, of what is left out of a leaf.
function M.whole(group, i)
    local new = { input = group.inputs[i], options = group.options[i], ref = group.refs[i] }
    for name, value in pairs(M.given_shapes[group.runs[i]]) do
        new[name] = value
    end
    if new.parent then
        new.name = group.names and group.names[i] or ''
    end
    return new
end

-- Store it, in its place.
function M.create_leaf(group, i)
    local number, ref, options = group.runs[i], group.refs[i], group.options[i]
    local shape = group.shapes[number]
    if not shape then
        shape = made(M.given_shapes[number])
        group.shapes[number] = shape
    end
    local no = M.serial()
    local place, parent, beside = struct.pack('>I6', no), shape.parent, shape.beside
    if shape.before then
        local name = pack(group.names[i])
        beside = struct.pack('>I2', #shape.before + #name + #shape.after) .. shape.before .. name .. shape.after
    end
    local text = shape.head .. place .. shape.moment .. (options == '' and '\0\0' or struct.pack('>I2', #options))
        .. beside .. options .. group.inputs[i]
    texts[ref], rows[ref] = text, nil -- it was looked for before
    M.pour(shape.texts, M.run_key(ref), text)
    for _, one in ipairs(shape.listed) do
        M.pour(one[1], one[2] or no, ref)
    end
    if parent then
        parent.kids = parent.kids + 1
        M.add(shape.family, ref, no, true)
        if shape.waits then
            parent.pending = parent.pending + 1
            if parent.place or parent.state == 'd' then
                M.wait_again(parent)
            end
        end
    end
    if shape.score then
        M.pour(shape.place, shape.score, '\16' .. place .. ref)
    elseif shape.place then
        M.pour(shape.place, '\16' .. place .. ref)
    end
    shape.n = shape.n + 1
end

-- What is left to do for all of them.
function M.leaves_done(group)
    for _, shape in pairs(group.shapes) do
        M.count_more(shape.state .. shape.queue, shape.n)
        if shape.place then
            M.ring_queue(shape.queue)
        else
            M.ring('u')
        end
    end
end
