-- parts: start args model
-- Nothing of this rate, or of any that the run uses, starts for a while.
-- args: run_id token line seconds
local function answer()
    local r = M.held(M.ref_of(A.run_id), A.token)
    if not r then
        return 'lost'
    end
    if A.line and not M.limit(A.line) then
        return 'not_found'
    end
    local used = false
    for _, line in ipairs(r.limits or {}) do
        local definition = M.limit(line)
        if definition and definition.period and (not A.line or A.line == line) then
            used = true
            local until_at = math.max(M.blocked_until(line) or 0, now + A.seconds)
            M.hset('blocked', line, string.format('%.0f', until_at))
            M.add(M.zset('lines:' .. definition.name), line, 0)
            M.touched(line)
        end
    end
    if not used then
        return 'invalid'
    end
    M.ring('u')
    return 'ok'
end

local word = answer()
M.commit()
return word
