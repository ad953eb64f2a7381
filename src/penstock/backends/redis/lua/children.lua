-- parts: start args model
-- The children in the order given. A dependency that failed under `remove` is no child any more.
-- args: run_id after limit
M.reads = true
local found, asked, last, more = {}, {}, nil, false
local r = M.row(M.ref_of(A.run_id))
local from = A.after and { '\255\255\255', A.after }
while r and r.kids > 0 and not more do
    local page = M.range(M.zset('children:' .. r.ref), 100, nil, from)
    for _, one in ipairs(M.range(M.zset('started:' .. r.ref), 100, nil, from)) do
        insert(page, one)
    end
    table.sort(page, function(a, b)
        return a[2] < b[2]
    end)
    for i = 1, math.min(#page, 100) do
        from = page[i]
        local child = M.row(from[1])
        local bad = child and (child.state == 'f' or child.state == 'c') and not child.by_parent
        if child and not (child.kind == 'dependency' and child.if_fails == 'remove' and bad) and not more then
            more = #found == A.limit
            if not more then
                insert(found, M.seen(child, asked))
                last = from[2]
            end
        end
    end
    if #page < 100 then
        break
    end
end
return { found, M.shown_terms(asked), more and last or false }
