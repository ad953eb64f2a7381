-- parts: start args model
-- Make an existing run a dependency of an existing run that is not finished; its state counts at once.
-- args: run_id parent kind if_fails name cascade
local function answer()
    local r, parent = M.row(M.ref_of(A.run_id)), M.row(M.ref_of(A.parent))
    if not r or not parent then
        return 'not_found'
    end
    if A.kind ~= 'dependency' or r.key then
        return 'invalid'
    end
    local problem = M.check_parent(parent) or M.check_adoption(r, parent.ref, 'dependency')
    if problem then
        return problem
    end
    M.adopt(r, { parent = parent.ref, kind = A.kind, if_fails = A.if_fails, name = A.name, cascade = A.cascade })
    return 'ok'
end

local word = answer()
M.commit()
return word
