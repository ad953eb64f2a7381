-- parts: start args model
-- Leave no trace of the runs and all below them; refused whole for a run if one of these is running.
-- `states`, `since_at`: how each must still stand, if given; `parent_token`: under which lease its parent must be held.
-- args: run_ids children states since_at parent_token

local function alone(r)
    if r.state == 'r' then
        return 'running'
    end
    if r.open then
        return 'state'
    end
    if #M.below(r, M.SMALL_TREE) > M.SMALL_TREE then
        return 'big'
    end
    local orphans = M.children(r, M.SMALL_TREE)
    M.delete(r)
    for _, orphan in ipairs(orphans) do
        M.reroot(orphan, nil, 0)
    end
    return 'ok'
end

local function remove(r)
    if not r then
        return 'not_found'
    end
    if (A.states and A.states ~= '' and not A.states:find(r.state, 1, true)) or (A.since_at and r.since_at > A.since_at) then
        return 'state'
    end
    local parent = A.parent_token and M.parent(r)
    if A.parent_token and not (parent and parent.state == 'r' and parent.token == A.parent_token) then
        return 'lost'
    end
    if r.mark and (not A.children or r.mark.remove or r.mark.redrive or r.mark.close) then
        return 'cascading'
    end
    if not A.children then
        return alone(r)
    end
    local tree = M.tree(r, M.SMALL_TREE)
    local cancels, lives = false, false
    for _, item in ipairs(tree) do
        local one = item[2]
        if one.state == 'r' then
            return 'running'
        end
        cancels = cancels or (one.mark and one.mark.cancel:find('s', 1, true)) -- which reaches further than the tree
        lives = lives or not M.finished(one)
    end
    if cancels then
        return 'cascading'
    end
    if #tree <= M.SMALL_TREE then
        M.delete_tree(tree)
        return 'ok'
    end
    if lives then
        return 'big'
    end
    M.mark(r).remove = true
    M.ring('u')
    return 'ok'
end

local answers = {}
for i, id in ipairs(A.run_ids) do
    answers[i] = remove(M.row(M.ref_of(id)))
end
M.commit(true)
return answers
