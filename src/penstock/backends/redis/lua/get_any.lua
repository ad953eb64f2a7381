-- parts: start args model
-- These runs as they are.
-- args: run_ids
M.reads = true
local found, asked = {}, {}
for i, id in ipairs(A.run_ids) do
    local r = M.row(M.ref_of(id))
    found[i] = r and M.seen(r, asked) or false
end
return { found, M.shown_terms(asked) }
