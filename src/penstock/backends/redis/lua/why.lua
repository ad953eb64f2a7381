-- parts: start args model
-- What stands in the run's way: the run, whether its queue and task are paused, its line and when that opens, children.
-- args: run_id
M.reads = true
local asked = {}
local r = M.row(M.ref_of(A.run_id))
if not r then
    return false
end
local term = M.of(r)
local parked = r.place == 'P' and r.line
local pending, from = {}, nil
while r.state == 'w' and r.pending > 0 and #pending < 10 do
    local page = M.range(M.zset('children:' .. r.ref), 100, nil, from)
    for _, one in ipairs(page) do
        from = one
        local child = M.row(one[1])
        if child and child.kind == 'dependency' and not child.counted and #pending < 10 then
            insert(pending, one[1])
        end
    end
    if #page < 100 then
        break
    end
end
return {
    { { M.seen(r, asked) }, M.shown_terms(asked) },
    M.hget('paused', 'queue:' .. term.queue) and 1 or 0,
    M.hget('paused', 'task:' .. term.task) and 1 or 0,
    parked or false,
    parked and M.limit(parked) and M.limit(parked).period or false,
    parked and M.rate_due(parked) or false,
    pending,
    r.place == 'F' and r.fair or false,
    M.comes_after(r) or false,
    r.line and M.line_paused(r.line) and r.line or false,
}
