-- parts: start args model
-- What the minutes saw: minute, field, counts of each.
-- args: since until
local found = {}
for _, minute in ipairs(call('ZRANGEBYSCORE', P .. ':minutes', A.since, '(' .. A['until'])) do
    local list = call('HGETALL', P .. ':rollup:' .. minute)
    for i = 1, #list, 2 do
        insert(found, { tonumber(minute), list[i], unpack_(list[i + 1]) })
    end
end
return found
