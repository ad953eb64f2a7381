-- parts: start args model
-- The runs on a dead-letter list, or on any; the latest first.
-- args: name after limit
M.reads = true
local found, asked, last = {}, {}, false
local list = call('ZREVRANGEBYSCORE', P .. ':dead' .. (A.name and ':' .. A.name or ''),
    A.after and '(' .. string.format('%.0f', A.after) or '+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, A.limit + 1)
for i = 1, math.min(#list, A.limit * 2), 2 do
    insert(found, M.seen(M.row(list[i]), asked))
    last = tonumber(list[i + 1])
end
return { found, M.shown_terms(asked), #list > A.limit * 2 and last or false }
