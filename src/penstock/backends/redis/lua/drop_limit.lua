-- parts: start args model
-- Limit no more: everything parked at it goes on, at once or, beyond a bound, by upkeep.
-- args: name
if not M.hget('limits', A.name) then
    return 'not_found'
end
M.hset('limits', A.name, nil)
M.rem(M.zset('limited'), A.name)
M.hset('sweep', A.name, nil)
local through = M.sweep(A.name)
M.commit(true)
return through and 'ok' or 'more'
