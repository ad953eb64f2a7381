-- parts: start args model
-- Stop or resume starts of a queue, a task or one key of a limit, or the ticks of a schedule.
-- args: kind name paused
if A.kind == 'schedule' then
    local text = M.hget('schedules', A.name)
    local s = text and unpack_(text)
    if s and s[6] ~= A.paused then
        s[6], s[5] = A.paused, s[5] + 1
        M.put_schedule(A.name, s)
        M.ring('u')
    end
elseif A.kind == 'limit' then
    local name = M.limit_name(A.name)
    if M.limit(A.name) then
        M.hset('paused', 'limit:' .. A.name, A.paused and '1' or nil)
        M.add(M.zset('lines:' .. name), A.name, 0)
        M.touched(A.name)
        if not A.paused then
            M.hset('sweep', name, nil)
            M.sweep(name)
        end
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
