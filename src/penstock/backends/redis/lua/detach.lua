-- parts: start args model
-- Cut a dependency from its parent, which no longer waits for it.
-- args: run_id
local function answer()
    local r = M.row(M.ref_of(A.run_id))
    if not r then
        return 'not_found'
    end
    local parent = M.parent(r)
    if not parent or r.kind ~= 'dependency' or r.open then
        return 'state'
    end
    if #M.below(r, M.SMALL_TREE) > M.SMALL_TREE then
        return 'big'
    end
    M.count(parent, r)
    M.cut(r)
    M.reroot(r, nil, 0)
    return 'ok'
end

local word = answer()
M.commit(true)
return word
