-- parts: start args model
-- Add what a worker saw to the per-minute roll-ups, once.
-- args: worker number rollups
local function sum(one, other)
    local found = {}
    for i = 1, math.max(#one, #other) do
        found[i] = (one[i] or 0) + (other[i] or 0)
    end
    return found
end

local last = tonumber(M.hget('flushed', A.worker) or nil)
if not last or A.number > last then
    M.hset('flushed', A.worker, A.number)
    M.add(M.zset('flushes'), A.worker, now)
    for _, one in ipairs(A.rollups) do -- minute, queue, task, four counts, waits, times
        local name, field = 'rollup:' .. one[1], one[2] .. ':' .. one[3]
        local text = M.hget(name, field)
        local known = text and unpack_(text) or { 0, 0, 0, 0, {}, {} }
        local added = {}
        for i = 1, 4 do
            added[i] = known[i] + one[i + 3]
        end
        added[5], added[6] = sum(known[5], one[8]), sum(known[6], one[9])
        M.hset(name, field, pack(added))
        M.add(M.zset('minutes'), string.format('%d', one[1]), one[1])
    end
end
M.commit()
return 'ok'
