-- parts: start args model
-- Insert children of held runs, or find those that an earlier try inserted; with each spawn its step, if it has one.
-- `terms`, `shapes`, `leaves`: as of enqueue. KEYS: meta, then the children in order, then their parents.
-- args: spawns terms shapes
local function spawn(one)
    local r = M.held(M.ref_of(one.id), one.token)
    if not r then
        return { 'lost', 0, false, '' }
    end
    local known = one.step and M.step(r, one.path)
    if known then
        return { 'duplicate', 0, false, '', known }
    end
    if r.ending or M.closed_to_children(r) then
        return { 'cascading', 0, false, '' }
    end
    local ours, flow = { [r.ref] = true }, one.flow and M.row(M.ref_of(one.flow))
    flow = flow and flow.parent == r.ref and flow
    for _, new in ipairs(one.runs) do
        if type(new) == 'table' then -- no leaf has children
            ours[M.ref_of(new.id)] = true
        end
    end
    for i, new in ipairs(one.runs) do
        new = type(new) == 'number' and M.given_shapes[new] or new
        if not new.parent or not (ours[M.ref_of(new.parent)] or flow and M.is_below(flow, M.ref_of(new.parent))) then
            return { 'invalid', i - 1, false, 'a spawned run is a child of its spawner' }
        end
    end
    local refused, entered = M.enter(one, r)
    for i = 1, #(entered or {}), 2 do
        local call_ = entered[i + 1] == 0 and M.row(entered[i])
        if call_ and call_.kind == 'call' and call_.by_parent and M.finished(call_) then
            M.redrive(call_.ref, true) -- an earlier life of this run took it along
        end
    end
    if one.step and not refused then
        M.write_step(r, one.path, one.step)
    end
    return M.group_answer(refused, entered)
end

M.given_terms, M.given_shapes = A.terms, A.shapes
local answers, k = {}, 1
M.alone = #A.spawns == 1
for i, one in ipairs(A.spawns) do
    if one.step then
        one.step[6] = one.step[6] and bytes() or false
        one.step[7] = one.step[7] and bytes() or false
        one.step[8] = bytes()
    end
    k = M.take(one, k)
    answers[i] = spawn(one)
end
M.commit()
return answers
