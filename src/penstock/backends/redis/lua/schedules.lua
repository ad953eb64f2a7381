-- parts: start args model
-- All schedules; or those whose next tick has come, earliest first.
-- args: due limit
local found = {}
if A.due then
    for _, one in ipairs(M.range(M.zset('ticks'), A.limit, now)) do
        insert(found, { one[1], unpack_(M.hget('schedules', one[1])) })
    end
else
    local list = call('HGETALL', P .. ':schedules')
    for i = 1, #list, 2 do
        insert(found, { list[i], unpack_(list[i + 1]) })
    end
end
return found
