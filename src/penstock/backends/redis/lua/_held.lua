-- Leases that are held: whose a running run is, and for how long.

-- The run, if this lease is the current one.
function M.held(ref, token)
    local r = M.row(ref)
    return r and r.state == 'r' and r.token == token and r or nil
end

-- Keep a lease alive from now on; `stop`: alive, and the run is asked to end.
function M.extend(ref, token, seconds)
    local r = M.held(ref, token)
    if not r then
        return 'lost'
    end
    if not r.ending then
        r.lease_at = now + seconds
        return 'ok'
    end
    -- Who was asked to end has one more lease to do so. Who was claimed for the rollbacks has all the time they take.
    if r.told or not r.ending_at or now < r.ending_at + seconds then
        r.lease_at = now + seconds
    end
    return 'stop'
end
