-- parts: start args model
-- Leave a message in the run's mailbox and wake it if that was the one it waits for; also names the run.
-- args: name run_id task key once start
local payload = bytes()

local function target()
    if A.run_id then
        return M.row(M.ref_of(A.run_id)), nil
    end
    if A.task and A.key then
        local entry = M.key_entry(A.task, A.key)
        return entry and M.row(entry[2]) or nil
    end
    if A.start then
        local entry = A.start.key and M.live_key(A.start.term[1], A.start.key)
        return M.row(M.ref_of(A.start.id)) or (entry and M.row(entry[2])) or nil
    end
end

local function deliver()
    local r = target()
    if not r and A.start then
        A.start.input, A.start.options = bytes(), bytes()
        local refused, entered = M.enter({ runs = { A.start } })
        if refused then
            return refused.answer, refused.ref
        end
        r = M.row(entered[1])
        if not r then -- what the key stands for is purged
            return 'finished', entered[1]
        end
    end
    if not r then
        return 'not_found'
    end
    local once = A.once and A.name .. '\0' .. A.once
    if once and r.heard and call('HEXISTS', P .. ':heard:' .. r.ref, once) == 1 then
        return 'duplicate', r.ref
    end
    if M.finished(r) then
        return 'finished', r.ref
    end
    if once then
        r.heard = true
        M.later('HSET', P .. ':heard:' .. r.ref, once, 1)
    end
    r.mail = r.mail or {}
    local seq = (r.mail[A.name] or 0) + 1
    r.mail[A.name] = seq
    M.later('RPUSH', P .. ':mail:' .. r.ref, pack({ A.name, seq, payload, now }))
    r.idle_claims = 0
    M.wake_if_due(r)
    return 'ok', r.ref
end

local answer, ref = deliver()
M.commit()
return { answer, ref or false }
