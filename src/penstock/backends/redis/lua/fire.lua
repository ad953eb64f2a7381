-- parts: start args model
-- One tick of a schedule: ok, `duplicate` if it has moved on, `state` if skipped by overlap.
-- args: name revision at next_at overlap passed run
local function answer()
    local text = M.hget('schedules', A.name)
    if not text then
        return 'not_found'
    end
    local s = unpack_(text) -- app, task, spec, next_at, revision, paused, fired, skipped, last_at
    if s[5] ~= A.revision or s[4] ~= A.at or s[6] then
        return 'duplicate'
    end
    local running = {}
    for _, one in ipairs(M.range(M.zset('ticking:' .. A.name), 1000)) do
        insert(running, M.row(one[1]))
    end
    local refused
    local skipped = not A.run or (A.overlap == 'skip' and #running > 0)
    if not skipped then
        A.run.input, A.run.options = bytes(), bytes()
        local no = M.enter({ runs = { A.run } })
        if no then
            refused, skipped = no.answer, true
        elseif A.overlap == 'replace' then
            for _, r in ipairs(running) do
                M.cancel_row(r, { state = 'c', cause = 'cancel' }, 'replaced', true)
            end
        end
    end
    s[4] = A.next_at or false
    if skipped then
        s[8] = s[8] + (A.run and 1 or A.passed)
    else
        s[7], s[9] = s[7] + 1, A.at
    end
    M.put_schedule(A.name, s)
    return refused or (skipped and A.run and 'state' or 'ok')
end

local word = answer()
M.commit()
return word
