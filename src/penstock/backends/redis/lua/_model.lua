-- What general operations stand on: rows, sorted sets and hashes as they will be once the script is through. Everything is
-- read before anything is written: `commit` carries out what has changed, and nothing in it can fail.
-- The parts beside this one put their functions into M when one of them is called for the first time.

-- `reads`: nothing is going to be changed; `alone`: of groups, there is one.
local M = { reads = false, marked = false, lines_touched = false, alone = false, entered = false }
local rows, zsets, hashes, rung, calmed = {}, {}, {}, {}, {}
local texts = {} -- of runs that are stored, or gone (false), without having been rows here
local later = {} -- writes that are made as they are
local serial, serial_before -- of the numbers that only grow: the last one given, and the one before this script
local insert, pack, unpack_ = table.insert, cmsgpack.pack, cmsgpack.unpack

function M.zset(name)
    local z = zsets[name]
    if not z then
        z = { key = P .. ':' .. name, add = {}, added = 0, gone = {}, covered = 0, base = nil,
            seen = {} }
        zsets[name] = z
    end
    return z
end

-- Plain writes, made at the end in this order. Who asks for one has read the key.
function M.later(...)
    local one = { ... }
    insert(later, one)
    return one
end

-- Topics: q:QUEUE to whoever comes first, b:QUEUE to all there; r:RUN, w:WORKER, u.
function M.ring(topic)
    rung[topic] = true
end

-- Nothing is left in this queue: whoever waits there need not look, unless something rings after all.
function M.calm(queue)
    calmed[queue] = true
end
