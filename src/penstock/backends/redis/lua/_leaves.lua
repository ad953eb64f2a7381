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
        listed = listed, place = place, score = r.place == 'Z' and (1000 - r.priority) * 2 + 1 or nil,
        leaves = { n = 0 }, state = r.state, queue = term.queue, parent = parent, waits = r.kind == 'dependency',
        family = parent and M.siblings(parent, r) or nil }
end

-- Whether all runs of the group are new. If one is not, all come as rows. No two of them have the same id.
function M.all_new(group)
    local refs, from = group.refs, group.keys_from
    for i = 1, M.entered and #group.runs or 0 do -- some came before them, in this call
        if refs[i] and (rows[refs[i]] or texts[refs[i]]) then
            return false
        end
    end
    for _, new in ipairs(group.others) do
        if M.row(M.ref_of(new.id)) then
            return false
        end
    end
    return #group.runs == 0 or call('EXISTS', unpack(KEYS, from + 1, from + #group.runs)) == 0
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

-- What is left to do for all runs of a shape.
local function done(shape)
    local parent, family, leaves = shape.parent, shape.family, shape.leaves
    local n = leaves.n / 2
    for _, one in ipairs(shape.listed) do
        if one[2] then
            for i = 2, leaves.n, 2 do
                M.pour(one[1], one[2], leaves[i])
            end
        else
            M.put_leaves(one[1], leaves)
        end
    end
    if parent then
        parent.kids = parent.kids + n
        family.leaves = family.leaves or {}
        insert(family.leaves, leaves)
        family.added = family.added + n
    end
    if parent and shape.waits then
        parent.pending = parent.pending + n
        if parent.place or parent.state == 'd' then
            M.wait_again(parent)
        end
    end
    M.count_more(shape.state .. shape.queue, n)
    if shape.place then
        M.ring_queue(shape.queue)
    else
        M.ring('u')
    end
end

local function shape_of(group, number)
    local shape = group.shapes[number]
    if not shape then
        shape = made(M.given_shapes[number])
        group.shapes[number] = shape
    end
    return shape
end

-- Store the runs of a group that are all new, each leaf in its place. `fresh`: filled with the rows of the others.
function M.create_all(group, fresh)
    local refs, inputs, all_options, keys_from = group.refs, group.inputs, group.options, group.keys_from
    local shapes, to_text, written, keys = group.shapes, struct.pack, M.sink('MSET', ''), KEYS
    local list, n = written.list, written.n
    serial = M.serial() - 1 -- it is known now
    for i, number in ipairs(group.runs) do
        local ref = refs[i]
        if ref then
            local shape, options, no = shapes[number] or shape_of(group, number), all_options[i], serial + 1
            serial = no
            local place, beside, leaves = to_text('>I6', no), shape.beside, shape.leaves
            if shape.before then
                local name = pack(group.names[i])
                beside = to_text('>I2', #shape.before + #name + #shape.after) .. shape.before .. name .. shape.after
            end
            local text = shape.head .. place .. shape.moment .. (options == '' and '\0\0' or to_text('>I2', #options))
                .. beside .. options .. inputs[i]
            if not M.alone then
                texts[ref], rows[ref] = text, nil -- it may have been looked for before
            end
            list[n + 1], list[n + 2] = keys[keys_from + i], text
            n = n + 2
            local m = leaves.n + 2
            leaves[m - 1], leaves[m], leaves.n = no, ref, m -- as sorted sets take them
            local ready = shape.place
            if ready then
                local at = ready.n
                if shape.score then
                    at = at + 1
                    ready.list[at] = shape.score
                end
                ready.list[at + 1] = '\16' .. place .. ref
                ready.n = at + 1
            end
        else
            insert(fresh, M.create(number, group))
        end
    end
    written.n = n
    for _, shape in pairs(shapes) do
        done(shape)
    end
end
