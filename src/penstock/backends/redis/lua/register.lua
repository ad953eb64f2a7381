-- parts: start args model
-- This worker is alive for so many seconds (0: gone), can run this, and knows these definitions.
-- args: worker queues abilities seconds definitions
for _, name in ipairs(A.definitions) do
    M.hset('definitions', name, pack({ bytes(), now }))
end
if A.worker then
    local info = bytes()
    if A.seconds <= 0 then
        M.forget_worker(A.worker)
    else
        local text = M.hget('worker', A.worker)
        local known = text and unpack_(text)
        M.hset('worker', A.worker, pack({ info, now + A.seconds, A.abilities }))
        M.add(M.zset('workers'), A.worker, now + A.seconds)
        if not known or known[3] ~= A.abilities then
            for _, queue in ipairs(A.queues) do
                M.ring_queue(queue)
                M.ring('b:' .. queue)
            end
        end
    end
end
M.commit()
return 'ok'
