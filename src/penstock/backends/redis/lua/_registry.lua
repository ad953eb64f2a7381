-- Schedules and workers: what is known of them.

-- A schedule and when it is due.
function M.put_schedule(name, s)
    M.hset('schedules', name, s and pack(s) or nil)
    if s and s[4] and not s[6] then
        M.add(M.zset('ticks'), name, s[4])
    else
        M.rem(M.zset('ticks'), name)
    end
end

-- The worker's last claim: its id, and the references of what it has brought.
function M.claimed(worker)
    local text = M.hget('claims', worker)
    if not text then
        return nil, {}
    end
    local claim_id, from = struct.unpack('Bc0', text)
    return claim_id, unpack_(text:sub(from))
end

-- The worker is gone. What its last claim has brought is remembered while it holds some of that.
function M.forget_worker(worker)
    M.hset('worker', worker, nil)
    local claim_id, known = M.claimed(worker)
    for _, ref in ipairs(known) do
        local r = M.row(ref)
        if r and r.state == 'r' and r.token == claim_id then
            M.add(M.zset('workers'), worker, now + 60000000)
            return
        end
    end
    M.hset('claims', worker, nil)
    M.rem(M.zset('workers'), worker)
end
