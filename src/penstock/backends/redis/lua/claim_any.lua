-- parts: start args model
-- Move queued runs that the worker can run to running: queues in the order given; priority, woken, rank.
-- `over`: it waits no more, only what it has brought is asked for.
-- args: claim_id worker queues abilities limit lease over
local limit = math.min(A.limit, 50) -- what one script is through with soon
local taken, more, left = {}, false, limit + 100
local claim_id, known = M.claimed(A.worker)
if claim_id == A.claim_id then
    for _, ref in ipairs(known) do
        local r = M.row(ref)
        if r and r.state == 'r' and r.token == A.claim_id then
            insert(taken, r)
        end
    end
elseif not A.over then
    for _, queue in ipairs(A.queues) do
        if not M.hget('paused', 'queue:' .. queue) and #taken < limit and not more then
            left, more = M.claim_queue(queue, A, limit, taken, left)
        end
    end
    more = more or (#taken == limit and limit < A.limit)
    local mine = {}
    for _, r in ipairs(taken) do
        insert(mine, r.ref)
    end
    M.hset('claims', A.worker, struct.pack('Bc0', #A.claim_id, A.claim_id) .. pack(mine))
end
if A.over then
    call('EXISTS', P .. ':claim:' .. A.claim_id)
    M.later('SET', P .. ':claim:' .. A.claim_id, '', 'PX', 60000) -- longer than any wait lasts
end
M.commit(true)
local shown, asked = {}, {}
for _, r in ipairs(taken) do
    insert(shown, r.ref)
    insert(shown, M.shown(r, asked))
end
return { more and 1 or 0, shown, M.shown_terms(asked) }
