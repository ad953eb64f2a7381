-- parts: start args model
-- Define or change a limit. Freed capacity is offered at once, beyond a bound by upkeep.
-- args: name limit
M.hset('limits', A.name, pack(A.limit))
M.add(M.zset('limited'), A.name, 0)
M.hset('sweep', A.name, nil)
local through = M.sweep(A.name)
M.ring('u')
M.commit()
return through and 'ok' or 'more'
