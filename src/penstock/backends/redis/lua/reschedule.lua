-- parts: start args model
-- Move the due time of a scheduled or queued run; now or in the past: a scheduled run is queued.
-- args: run_id at delay
local function answer()
    local r = M.row(M.ref_of(A.run_id))
    if not r then
        return 'not_found'
    end
    if (r.state ~= 'd' and r.state ~= 'q') or r.ending then
        return M.finished(r) and 'finished' or 'state'
    end
    local due_at = A.at or now + A.delay
    if due_at > now then
        M.leave(r)
        M.expire_from(r, due_at)
        M.schedule(r, due_at)
    elseif r.state == 'd' then
        M.expire_from(r, due_at)
        M.queue_up(r, true)
    end
    return 'ok'
end

local word = answer()
M.commit(true)
return word
