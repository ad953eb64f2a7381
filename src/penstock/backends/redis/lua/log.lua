-- parts: start args model
-- The lines of the run's log after a number; what the record itself tells is put around them by who asks.
-- args: run_id after limit
M.reads = true
local r = M.row(M.ref_of(A.run_id))
if not r then
    return false
end
local found, name = {}, P .. ':log:' .. r.ref
if r.has_log then
    local first = call('LINDEX', name, 0)
    local start = first and math.max(0, A.after + 1 - unpack_(first)[1]) or 0
    for _, text in ipairs(call('LRANGE', name, start, start + A.limit - 1)) do
        insert(found, unpack_(text))
    end
end
return { r.enqueued_at, r.first_claimed_at or false, r.finished_at or false, M.WORDS[r.state], r.log_seq, r.failures, found }
