-- Steps: {number, scope, position, seen, kind, value, error, input hash, child, signal, signal_seq, recorded_at} by path;
-- and the messages that they have read.

local stepped, added, dropped = {}, {}, {}
function M.step(r, path)
    local name = r.ref .. path
    if stepped[name] == nil then
        local text = r.has_steps and call('HGET', P .. ':steps:' .. r.ref, path)
        stepped[name] = text or false
    end
    return stepped[name] and unpack_(stepped[name]) or nil
end

function M.put_step(r, path, step)
    r.has_steps, added[r.ref] = true, true
    stepped[r.ref .. path] = pack(step)
    M.later('HSET', P .. ':steps:' .. r.ref, path, stepped[r.ref .. path])
end

-- The next one of a held run, as it comes: which of its value, error and hash come beside it is said by true.
function M.write_step(r, path, step)
    r.steps_no = r.steps_no + 1
    step[1], step[12] = r.steps_no, now
    step[9] = step[9] and M.ref_of(step[9])
    M.put_step(r, path, step)
    r.idle_claims = 0
    r.rollbacks = r.rollbacks or step[5] == 'rollback' or nil
    if step[5] == 'step' then
        M.note(r, 'step', path)
    end
end

-- One that is there.
function M.drop_step(r, path)
    local key = P .. ':steps:' .. r.ref
    stepped[r.ref .. path] = false
    M.later('HDEL', key, path)
    dropped[r.ref] = (dropped[r.ref] or 0) + 1
    r.has_steps = added[r.ref] or call('HLEN', key) > dropped[r.ref] or nil -- claims say so
end

-- All steps in the order written: {path, step}.
function M.steps(r)
    local found = {}
    if r.has_steps then
        local list = call('HGETALL', P .. ':steps:' .. r.ref)
        for i = 1, #list, 2 do
            insert(found, { list[i], unpack_(list[i + 1]) })
        end
        table.sort(found, function(a, b)
            return a[2][1] < b[2][1]
        end)
    end
    return found
end

function M.has_rollbacks(r)
    for _, one in ipairs(M.steps(r)) do
        if one[2][5] == 'rollback' then
            return true
        end
    end
    return false
end

-- Drop a recorded error; the child behind it, if it has ended, starts again.
function M.forget(r, path)
    local step = M.step(r, path)
    if step then
        M.drop_step(r, path)
        if step[9] then
            M.redrive(step[9], true)
        end
    end
end

-- The messages that none of these steps has read, numbered anew; and how many there are by name.
function M.unread(r, steps)
    local read, seen, left = {}, {}, {}
    for _, one in ipairs(steps) do
        if one[2][10] ~= '' then
            read[one[2][10] .. '\0' .. one[2][11]] = true
        end
    end
    for _, text in ipairs(r.mail and call('LRANGE', P .. ':mail:' .. r.ref, 0, -1) or {}) do
        local one = unpack_(text)
        if not read[one[1] .. '\0' .. one[2]] then
            seen[one[1]] = (seen[one[1]] or 0) + 1
            one[2] = seen[one[1]]
            insert(left, pack(one))
        end
    end
    return left, next(seen) and seen or nil
end
