-- parts: start args model
-- Store each group whole or not at all.
-- `terms`: those of the runs, by number. `shapes`: what leaves have in common; in a group with `leaves` a run may be the
-- number of its shape. KEYS: meta, then the runs in order, then others that they name.
-- args: groups terms shapes
M.given_terms, M.given_shapes = A.terms, A.shapes
local answers, k = {}, 1
M.alone = #A.groups == 1
for i, group in ipairs(A.groups) do
    local first = k + 1
    k = M.take(group, k)
    if not group.leaves then
        M.fetch(first, k)
    end
    answers[i] = M.group_answer(M.enter(group))
end
M.commit()
return answers
