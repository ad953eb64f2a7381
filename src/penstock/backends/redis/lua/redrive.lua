-- parts: start args model
-- Begin another life of finished runs. `lives`: the one of each that is meant; a later one is left alone.
-- `anew`: with another input each, in another history, which keeps the records of this one.
-- args: run_ids lives anew
local answers = {}
for i, id in ipairs(A.run_ids) do
    local r = M.row(M.ref_of(id))
    local life, input = A.lives and A.lives[i], A.anew and bytes() or nil
    answers[i] = r and life and r.life > life and 'ok' or M.redrive(M.ref_of(id), false, input)
end
M.commit(true)
return answers
