-- Parents and children: who is listed below whom, and how an edge goes. Knows no policy.

function M.add_child(parent, r)
    r.seq = M.serial()
    parent.kids = parent.kids + 1
    M.add(M.siblings(parent, r), r.ref, r.seq, not r.text)
end

-- Where the children of its kind are listed: those that are only started apart, for there may be very many.
function M.siblings(parent, r)
    return M.zset((r.kind == 'started' and 'started:' or 'children:') .. parent.ref)
end

local function members(r, name, most, from)
    if r.kids == 0 then
        return {}
    end
    local found = {}
    for _, one in ipairs(M.range(M.zset(name .. r.ref), most, nil, from)) do
        insert(found, M.row(one[1]))
    end
    return found
end

-- A run's dependencies and calls in the order given, up to so many, after a place.
function M.children(r, most, from)
    return members(r, 'children:', most, from)
end

-- Those that it has started and does not wait for.
function M.started(r, most, from)
    return members(r, 'started:', most, from)
end

-- Whether the run is this one, or stands somewhere below it.
function M.is_below(root, ref)
    local r = M.row(ref)
    while r and r.ref ~= root.ref do
        r = M.parent(r)
    end
    return r ~= nil
end

-- Forget the edge from child to parent.
function M.cut(child)
    local parent = M.parent(child)
    if parent then
        if child.kind == 'dependency' and not child.counted then
            parent.pending = parent.pending - 1 -- of a finished parent: a living one has counted it
        end
        M.unblock(parent, child)
        M.rem(M.siblings(parent, child), child.ref)
        parent.kids = parent.kids - 1
    end
    child.parent, child.root, child.counted, child.seq, child.depth = nil, nil, nil, nil, 0
    child.kind, child.if_fails, child.cascade, child.name = nil, nil, nil, ''
    if parent then
        M.expected(parent, child)
    end
end

M.SMALL_TREE = 1000 -- what one script looks through
-- The run and its dependencies and calls, parents first; one more than `most` if there are more.
function M.below(r, most)
    local tree, i = { r }, 1
    while i <= #tree and #tree <= most do
        if tree[i].kids > 0 then
            for _, child in ipairs(M.children(tree[i], most + 1)) do
                insert(tree, child)
            end
        end
        i = i + 1
    end
    return tree
end

-- The run and all below it belong to another tree, or begin one.
function M.reroot(r, root, depth)
    r.root, r.depth = root, depth
    for _, child in ipairs(M.children(r, 1001)) do
        M.reroot(child, root or r.ref, depth + 1)
    end
end
