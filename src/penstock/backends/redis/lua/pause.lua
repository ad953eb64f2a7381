-- parts: start args model
-- Stop or resume starts of a queue or task, or the ticks of a schedule.
-- args: kind name paused
if A.kind == 'schedule' then
    local text = M.hget('schedules', A.name)
    local s = text and unpack_(text)
    if s and s[6] ~= A.paused then
        s[6], s[5] = A.paused, s[5] + 1
        M.put_schedule(A.name, s)
        M.ring('u')
    end
elseif A.paused then
    M.hset('paused', A.kind .. ':' .. A.name, '1')
else
    M.hset('paused', A.kind .. ':' .. A.name, nil)
    if A.kind == 'queue' then
        M.ring_queue(A.name)
        M.ring('b:' .. A.name)
    else
        for _, queue in ipairs(M.range(M.zset('sidequeues:' .. A.name), 1000)) do
            M.ring_queue(queue[1])
            M.ring('b:' .. queue[1])
        end
    end
end
M.commit()
return 'ok'
