-- parts: start args model
-- How each key of each limit stands: definition, key, used, out, parked, until when blocked.
-- args: most
M.reads = true
local found = {}
for _, limited in ipairs(M.range(M.zset('limited'), 1000)) do
    local name, seen = limited[1], false
    local d = M.limit(name)
    local shown = { name, d.n, d.period or false, d.full, d.hold and 1 or 0 }
    for _, one in ipairs(M.range(M.zset('lines:' .. name), A.most)) do
        local line = one[1]
        local used = d.period and call('ZCOUNT', P .. ':starts:' .. line, '(' .. string.format('%.0f', now - d.period), '+inf')
            or M.card(M.zset('held:' .. line))
        local out, parked = 0, 0
        for _, group in ipairs(M.range(M.zset('groups:' .. line), 1000)) do
            out = out + M.card(M.zset('out:' .. group[1] .. ':' .. line))
            parked = parked + M.card(M.zset('parked:' .. group[1] .. ':' .. line))
        end
        local blocked = M.blocked_until(line)
        seen = true
        blocked = blocked and blocked > now and blocked or false
        insert(found, { shown, line:sub(#name + 2), used, out, parked, blocked, M.line_paused(line) and 1 or 0 })
    end
    if not seen then
        insert(found, { shown, '', 0, 0, 0, false, 0 })
    end
end
return found
