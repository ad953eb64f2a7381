-- What is stored of a run: fields by number, or packed if it is plain. Knows of no other key.

-- The fields of a row by number: what is stored of it, in this order, where it is not as usual.
local FIELDS = {
    'state', 'term', 'no', 'rank', 'enqueued_at', 'since_at', 'input', 'options', 'priority', 'life',
    'history', 'due_at', 'started_at', 'first_claimed_at', 'finished_at', 'expires_at', 'deadline_at', 'own_delay',
    'claims', 'idle_claims', 'failures', 'crashes', 'releases', 'fence', 'token', 'settled', 'worker',
    'parent', 'root', 'depth', 'pending', 'finishes', 'early', 'counted', 'wake', 'returned', 'blocked_by',
    'open', 'opened_at', 'ending', 'ending_cause', 'ending_error', 'ending_id', 'ending_at', 'told', 'by_parent',
    'rollbacks', 'result', 'error', 'cause', 'cause_id', 'reason', 'refused', 'woken', 'place', 'line', 'slots',
    'mark', 'watched', 'dead', 'finish_no', 'about', 'forget', 'mail', 'log_seq', 'lines', 'line_no', 'seq', 'kids',
    'key', 'key_hash', 'key_ttl', 'kind', 'if_fails', 'name', 'cascade', 'limits', 'tags', 'at', 'delay', 'expires',
    'deadline', 'schedule', 'nominal_at', 'heard', 'has_steps', 'has_log', 'steps_no', 'blockers', 'awaits', 'again_at',
    'fair', 'weight', 'turn', 'key_starts', 'key_every',
}
local USUAL = {
    priority = 0, life = 1, history = 0, claims = 0, idle_claims = 0, failures = 0, crashes = 0, releases = 0,
    fence = 0, depth = 0, pending = 0, finishes = 0, early = 0, log_seq = 2, kids = 0, input = '', options = '',
    refused = '', steps_no = 0, name = '',
}
local NUMBER = {}
for i, name in ipairs(FIELDS) do
    NUMBER[name] = i
end
local AS_USUAL = { __index = USUAL }
M.FIELDS, M.AS_USUAL = FIELDS, AS_USUAL
-- What a plain run may have, by state; all else of it is as usual, or follows.
local NEW = { state = 1, term = 1, no = 1, rank = 1, enqueued_at = 1, since_at = 1, input = 1, options = 1, place = 1,
    watched = 1, counted = 1 }
local PLAIN_FIELDS = {
    d = NEW,
    q = NEW,
    r = { state = 1, term = 1, no = 1, rank = 1, enqueued_at = 1, since_at = 1, input = 1, options = 1, watched = 1,
        counted = 1, started_at = 1, first_claimed_at = 1, claims = 1, idle_claims = 1, fence = 1, token = 1, worker = 1 },
    s = { state = 1, term = 1, no = 1, rank = 1, enqueued_at = 1, since_at = 1, input = 1, options = 1, watched = 1,
        counted = 1, started_at = 1, first_claimed_at = 1, claims = 1, idle_claims = 1, fence = 1, settled = 1,
        finished_at = 1, finish_no = 1, result = 1 },
}
-- What claims and ends of a run need not know: it stands between the plain fields and the options, as the run was stored.
local BESIDE = { parent = 1, root = 1, depth = 1, kind = 1, if_fails = 1, name = 1, cascade = 1, seq = 1, priority = 1,
    tags = 1, at = 1, delay = 1, due_at = 1 }

-- A row from what is stored.
function M.opened(text)
    local r = setmetatable({}, AS_USUAL)
    local form = text:sub(1, 1)
    if form == 'B' then
        local fields = unpack_(text:sub(2))
        for i = 1, #fields, 2 do
            r[FIELDS[fields[i]]] = fields[i + 1]
        end
        return r
    end
    local state = form:lower()
    local _, flags, term, rank, enqueued_at, size = struct.unpack(PLAIN, text)
    local from, inputs = HEAD + 1, nil
    if state == 'r' then
        r.started_at, r.token, r.worker, from = struct.unpack('>I7Bc0Bc0', text, from)
    elseif state == 's' then
        r.started_at, r.finished_at, r.finish_no, r.settled, inputs, from = struct.unpack('>I7I7I6Bc0I4', text, from)
        r.settled = 'complete ' .. r.settled
    end
    r.no, r.since_at = rank, enqueued_at
    if form ~= state then
        local fields = M.beside(text, from)
        for i = 1, #fields, 2 do
            r[FIELDS[fields[i]]] = fields[i + 1]
        end
        r.seq = r.seq or (r.parent and r.no or nil)
        from = from + 2 + text:byte(from) * 256 + text:byte(from + 1)
        r.counted = flags >= COUNTED or nil
    end
    r.state, r.term, r.rank, r.enqueued_at = state, term, state ~= 'd' and rank or nil, enqueued_at
    r.watched = flags % 4 > 0 and flags % 4 or nil
    r.options = text:sub(from, from + size - 1)
    r.input = text:sub(from + size, inputs and from + size + inputs - 1 or -1)
    if state == 'q' then
        r.place = flags % COUNTED >= RANKED and 'Z' or 'L'
    elseif state ~= 'd' then
        r.claims, r.idle_claims, r.first_claimed_at, r.fence = 1, 1, r.started_at, r.started_at
        r.since_at = r.finished_at or r.started_at
        r.result = inputs and text:sub(from + size + inputs) or nil
    end
    return r
end

-- State and parent only, of what is stored: without making a row of it, if it is packed.
local glances = {}
function M.glance(text)
    local form = text:sub(1, 1)
    if form == 'B' then
        return M.opened(text)
    end
    local state, from = form:lower(), HEAD + 1
    if form == state then
        return { state = state }
    end
    if state == 'r' then
        from = from + 8 + text:byte(from + 7)
        from = from + 1 + text:byte(from)
    elseif state == 's' then
        from = from + 25 + text:byte(from + 20)
    end
    local fields = M.beside(text, from)
    glances[fields] = glances[fields] or {}
    if not glances[fields][state] then
        local found = { state = state }
        for i = 1, #fields, 2 do
            found[FIELDS[fields[i]]] = fields[i + 1]
        end
        found.state = state
        glances[fields][state] = found
    end
    return glances[fields][state]
end

-- The fields that stand beside the plain ones, by number, in a text that has them there.
local known = {}
function M.beside(text, from)
    local packed = text:sub(from + 2, from + 1 + text:byte(from) * 256 + text:byte(from + 1))
    known[packed] = known[packed] or unpack_(packed)
    return known[packed]
end

-- The row in the form of plain ones, or nil if something about it has no room there. `others`: it has fields beside these.
local function packed(r, others)
    local state, no = r.state, r.no
    local rank = state == 'd' and no or r.rank
    if rank <= 0 or (state == 'd' and r.rank) then
        return nil
    end
    local since_at, body, after = r.enqueued_at, '', ''
    if state == 'q' then
        if r.place ~= 'L' and r.place ~= 'Z' then
            return nil
        end
    elseif state ~= 'd' then
        since_at = r.finished_at or r.started_at
        if r.claims ~= 1 or r.idle_claims ~= 1 or r.first_claimed_at ~= r.started_at or r.fence ~= r.started_at
            or r.since_at ~= since_at then
            return nil
        end
        if state == 'r' then
            body = struct.pack('>I7Bc0Bc0', r.started_at, #r.token, r.token, #r.worker, r.worker)
        else
            if not r.result or (r.settled or ''):sub(1, 9) ~= 'complete ' then
                return nil
            end
            local token = r.settled:sub(10)
            body, after = struct.pack('>I7I7I6Bc0I4', r.started_at, r.finished_at, r.finish_no, #token, token, #r.input),
                r.result
        end
    end
    local flags = (r.watched or 0) + (r.parent and FAMILY or 0) + (r.place == 'Z' and RANKED or 0)
        + (r.counted and COUNTED or 0)
    local form = state
    if others or flags > 3 or state == 'd' or rank ~= no or r.since_at ~= since_at then
        local fields, numbers = {}, {}
        for name, value in pairs(r) do
            local i = NUMBER[name]
            if i and BESIDE[name] and value ~= false and value ~= USUAL[name] and (name ~= 'seq' or value ~= no) then
                insert(numbers, i)
            end
        end
        if rank ~= no then
            insert(numbers, NUMBER.no)
        end
        if r.since_at ~= since_at then
            insert(numbers, NUMBER.since_at)
        end
        table.sort(numbers)
        for _, i in ipairs(numbers) do
            insert(fields, i)
            insert(fields, r[FIELDS[i]])
        end
        local beside = pack(fields)
        if #beside > 65535 then
            return nil
        end
        form, body = state:upper(), body .. struct.pack('>I2', #beside) .. beside
    end
    return struct.pack(PLAIN, form, flags, r.term, rank, r.enqueued_at, #r.options) .. body .. r.options .. r.input .. after
end

-- All fields of a row, by number.
function M.fields(r)
    local numbers, fields = {}, {}
    for name, value in pairs(r) do
        local i = NUMBER[name]
        if i and value ~= false and value ~= USUAL[name] then
            insert(numbers, i)
        end
    end
    table.sort(numbers)
    for k, i in ipairs(numbers) do
        fields[2 * k - 1], fields[2 * k] = i, r[FIELDS[i]]
    end
    return fields
end

-- What is stored of a row.
function M.closed(r)
    local usual, others = PLAIN_FIELDS[r.state], nil
    local plain = usual ~= nil and r.term < 16777216 and #r.options < 65536
    for name, value in pairs(r) do
        if plain and not usual[name] and NUMBER[name] and value ~= false and value ~= USUAL[name] then
            plain = BESIDE[name] ~= nil
            others = others or name ~= 'seq' or value ~= r.no
        end
    end
    local text = plain and packed(r, others) or nil
    if text then
        return text
    end
    return 'B' .. pack(M.fields(r))
end
