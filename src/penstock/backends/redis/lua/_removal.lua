-- Whole trees that go at once. Most runs in them have nothing beside them but their parent: they need not be rows.

-- The run and its dependencies and calls, parents first, as {reference, row or glance, text if it is none}; one more than
-- `most` if there are more.
function M.tree(r, most)
    local tree, i = { { r.ref, r } }, 1
    while i <= #tree and #tree <= most do
        local above = tree[i][2]
        if not tree[i][3] and above.kids > 0 then
            local refs, texts_of = {}, {}
            for _, one in ipairs(M.range(M.zset('children:' .. above.ref), most + 1)) do
                insert(refs, one[1])
            end
            for k, child in ipairs(M.glances(refs, texts_of)) do
                local text = texts_of[refs[k]]
                insert(tree, { refs[k], text and child or M.row(refs[k]), text })
            end
        end
        i = i + 1
    end
    return tree
end

-- Leave no trace of a run that is stored so, whose parent goes, too.
function M.delete_leaf(ref, leaf, text)
    local number = struct.unpack('>I3', text, 3)
    local queue, flags = M.term(number).queue, text:byte(2)
    leaf.listed = leaf.listed or {}
    if not leaf.listed[number] then
        local r = { ref = ref, state = leaf.state, term = number, no = 1, kids = 0, finished_at = 0, finish_no = 1, claims = 0 }
        for name, value in pairs(leaf) do
            r[name] = value
        end
        local sinks = {}
        for name in pairs(M.listed(r)) do
            insert(sinks, M.sink('ZREM', P .. ':' .. name))
        end
        leaf.listed[number] = sinks
    end
    M.put_gone(ref)
    for _, sink in ipairs(leaf.listed[number]) do
        M.pour(sink, ref)
    end
    if leaf.state == 'q' and flags % COUNTED >= RANKED then
        M.put_unlisted('ready:' .. queue, '\16' .. text:sub(6, 11) .. ref)
    end
    M.count_more(leaf.state .. queue, -1)
    if flags % 4 > 0 then
        M.ring('r:' .. text_of(ref))
    end
end

-- Leave no trace of all these, from the top: what is removed tells nobody that is removed, too.
function M.delete_tree(tree)
    for _, one in ipairs(tree) do
        if one[3] then
            M.delete_leaf(one[1], one[2], one[3])
        else
            M.delete(one[2], nil, true)
        end
    end
end
