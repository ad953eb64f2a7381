-- Whether a group of new runs may enter, and a run become a child: answers, or nil if nothing is wrong.

local MOST_RUNS, MOST_BYTES, DEEPEST = 1000, 4194304, 64

local function refusal(answer, index, ref, detail)
    return { answer = answer, index = index or 0, ref = ref, detail = detail or '' }
end

function M.check_group(group)
    local size = group.size or 0
    for _, new in ipairs(group.size and {} or group.runs) do -- one that came otherwise
        size = size + #(new.input or '') + #(new.options or '')
    end
    if #group.runs > MOST_RUNS or size > MOST_BYTES then
        return refusal('big', 0, nil, 'a group has at most 1000 runs and 4194304 bytes')
    end
    if not group.flow then
        return (group.opens or group.closes) and refusal('invalid', 0, nil, "opens and closes need the flow's root") or nil
    end
    local root = M.row(group.flow)
    if group.opens then
        if not group.runs[1] or group.runs[1].ref ~= group.flow then
            return refusal('invalid', 0, nil, "the first run of a flow's first group is its root")
        end
        if not root then
            return nil
        end
    end
    if not root then
        return refusal('not_found', 0, group.flow, 'no such flow')
    end
    if not root.open or (root.mark and root.mark.close) then
        for _, new in ipairs(group.runs) do
            if not M.row(new.ref) then
                return refusal('state', 0, group.flow, 'the flow is not open')
            end
        end
    end
end

function M.check_runs(group, holder)
    local depths, hashes, edges, parents, shapes = {}, {}, {}, {}, {}
    for _, new in ipairs(group.runs) do
        if type(new) == 'number' then
            local parent = M.given_shapes[new].parent
            if parent and not shapes[new] then
                parents[M.ref_of(parent)] = true
            end
            shapes[new] = true
        elseif new.parent then
            edges[new.ref] = new.parent
            parents[new.parent] = true
        end
    end
    if group.flow then
        parents[group.flow] = true
    end
    for i, new in ipairs(group.runs) do
        local answer, ref, detail
        if type(new) == 'table' then
            answer, ref, detail = M.check_new(new, depths, hashes, edges, parents, holder)
        elseif shapes[new] then -- what is right for one is right for all of its shape
            shapes[new] = false
            answer, ref, detail = M.check_leaf(group.refs[i], M.given_shapes[new], depths, holder)
        end
        if answer then
            return refusal(answer, i - 1, ref, detail)
        end
    end
end

function M.check_new(new, depths, hashes, edges, parents, holder)
    local answer, ref, detail = M.check_key(new, hashes, parents)
    if not answer then
        answer, ref, detail = M.check_edge(new, depths, holder)
    end
    if not answer then
        answer, ref, detail = M.check_held(new.parent, new.kind, new.limits, edges)
    end
    if not answer and M.row(new.ref) and M.circular(new.ref, edges) then
        answer, ref, detail = 'cycle', new.ref, 'the run would depend on itself'
    end
    return answer, ref, detail
end

function M.check_leaf(ref, shape, depths, holder)
    return M.check_edge({ ref = ref, parent = shape.parent and M.ref_of(shape.parent), kind = shape.kind }, depths, holder)
end

function M.check_key(new, hashes, parents)
    if not new.key or M.row(new.ref) then
        return nil
    end
    if (new.parent and new.kind ~= 'started') or parents[new.ref] then
        return 'invalid', new.ref, 'a key is refused on dependencies, calls and runs with children'
    end
    local entry = M.live_key(new.task, new.key)
    local name = new.task .. ':' .. new.key
    local known = entry and entry[1] or hashes[name]
    hashes[name] = hashes[name] or new.key_hash
    if known and known ~= new.key_hash then
        return 'key_conflict', entry and entry[2] or nil, 'the key stands for other input'
    end
end

-- Whether the run may become a child as it says.
function M.check_edge(new, depths, holder)
    local there = M.row(new.ref)
    depths[new.ref] = there and there.depth or 0
    if not new.parent then
        return nil
    end
    if not holder and new.kind ~= 'dependency' then
        return 'invalid', new.ref, 'calls and started children are spawned by the run that holds the lease'
    end
    local parent = M.row(new.parent)
    if not parent and not depths[new.parent] then
        return 'not_found', new.parent, 'no such parent'
    end
    if new.kind ~= 'started' then
        depths[new.ref] = (depths[new.parent] or (parent and parent.depth) or 0) + 1
    end
    if depths[new.ref] > DEEPEST then
        return 'deep', new.ref, 'more than 64 levels'
    end
    if there then
        if new.kind ~= 'started' and there.key then
            return 'invalid', new.ref, 'a run with a key is no dependency'
        end
        return M.check_adoption(there, new.parent, new.kind)
    end
    if parent then
        if not holder and parent.state == 'r' then
            return 'running', parent.ref, 'a running run gets children from its holder, or by attach'
        end
        return M.check_parent(parent)
    end
end

-- Whether the way up from this run, by the group's edges and the stored ones, comes back to it.
function M.circular(ref, edges)
    local above, seen = edges[ref], {}
    while above and not seen[above] do
        if above == ref then
            return true
        end
        seen[above] = true
        local r = M.row(above)
        above = edges[above] or (r and r.parent) or nil
    end
    return false
end

-- Whether this run may still get children.
function M.check_parent(parent)
    if M.finished(parent) then
        return 'finished', parent.ref, 'the parent is finished'
    end
    local mark = parent.mark
    if parent.ending or (mark and (mark.remove or (mark.cancel ~= '' and not mark.upto))) then
        return 'cascading', parent.ref, 'a cancel or removal of the parent is under way'
    end
end

-- A child that waits for a slot which an ancestor keeps until the child is done would wait for ever.
function M.check_held(parent, kind, limits, edges)
    if not parent or kind == 'started' or not limits or #limits == 0 then
        return nil
    end
    local over, seen = parent, {}
    while over and not M.row(over) and not seen[over] do
        seen[over] = true
        over = edges[over]
    end
    local above = over and M.row(over)
    while above do
        for _, line in ipairs(limits) do
            local definition = M.limit(line)
            if definition and definition.hold and M.has_slot(above, line) then
                return 'held', above.ref, 'an ancestor holds the slot to its end'
            end
        end
        above = M.parent(above)
    end
end

-- Whether an existing run may become this child.
function M.check_adoption(r, parent_ref, kind)
    if r.parent == parent_ref or kind == 'started' then
        return nil
    end
    local parent = M.row(parent_ref)
    if parent then
        local answer, ref, detail = M.check_parent(parent)
        if answer then
            return answer, ref, detail
        end
    end
    if kind ~= 'dependency' then
        return 'has_parent', r.ref, 'the id is taken by a run that is no child of this one'
    end
    local old = M.parent(r)
    if old and not M.finished(old) and r.kind ~= 'started' then
        return 'has_parent', old.ref, 'the run has another parent that lives'
    end
    if M.circular(r.ref, { [r.ref] = parent_ref }) then
        return 'cycle', r.ref, 'the run would depend on itself'
    end
    if r.state == 'w' and r.open then
        return 'state', r.ref, 'the run belongs to an open flow'
    end
    return M.check_tree(M.below(r, M.SMALL_TREE), parent_ref, parent and parent.depth or 0)
end

-- Whether a tree may hang below a run of this depth.
function M.check_tree(tree, parent_ref, depth)
    local deepest = 0
    for _, one in ipairs(tree) do
        local answer, ref, detail = M.check_held(parent_ref, 'dependency', one.limits, {})
        if answer then
            return answer, ref, detail
        end
        deepest = math.max(deepest, one.depth)
    end
    if #tree > M.SMALL_TREE then
        return 'big', tree[1].ref, 'more than 1000 runs below it'
    end
    if deepest - tree[1].depth + depth >= DEEPEST then
        return 'deep', tree[1].ref, 'more than 64 levels'
    end
end
