-- The rows of runs: read once, changed in tables, and where each must be listed.

local OVER = { s = true, f = true, c = true }
M.OVER = OVER
M.WORDS = { s = 'succeeded', f = 'failed', c = 'cancelled', d = 'scheduled', q = 'queued', r = 'running', w = 'waiting' }

function M.finished(r)
    return OVER[r.state] == true
end

-- When time alone moves the run on.
function M.ready_at(r)
    if r.state == 'd' then
        return r.due_at
    end
    if r.state == 'w' and r.wake and not r.open and not r.returned then
        return r.wake[1] or nil
    end
end

local PATIENCE = 600000000
-- When the run is late: not started, not finished, or not closed in time.
function M.ends_at(r)
    if OVER[r.state] or r.ending then
        return nil
    end
    local first = r.deadline_at
    if r.expires_at and r.claims == 0 and r.state ~= 'r' and (not first or r.expires_at < first) then
        first = r.expires_at
    end
    if r.open and r.opened_at and (not first or r.opened_at + PATIENCE < first) then
        first = r.opened_at + PATIENCE
    end
    return first
end

-- When the age of a finished run is over, or its tree is looked at again.
function M.goes_at(r)
    local term = M.of(r)
    return math.max(r.finished_at + (r.state == 's' and term.succeeded or term.failed), r.again_at or 0)
end

function M.is_root(r)
    return r.parent == nil or r.kind == 'started'
end

-- Where a row must be listed: name of a sorted set -> score, of the row's own reference.
function M.listed(r)
    local at = {}
    local state = r.state
    at.due = M.ready_at(r)
    at.ends = M.ends_at(r)
    if state == 'w' then
        at.waiting = r.no
    elseif state == 'r' then
        at.leases = r.lease_at or true
    elseif OVER[state] then
        local family = r.parent or r.kids > 0 or r.dead
        local kind = not family and '' or (M.is_root(r) and ':root' or ':child')
        at['over:' .. state .. ':' .. r.term .. kind] = r.finish_no
        if kind == ':root' and not r.dead then
            at.trees = M.goes_at(r)
        end
        if r.dead then
            at.dead = r.finish_no
            at['dead:' .. M.of(r).dead_letter] = r.finish_no
        end
    end
    if r.mark then
        at.marks = r.no
    end
    if r.place == 'P' or r.place == 'S' or r.place == 'F' then
        at.beside = r.no
    end
    if r.root then
        at['root:' .. r.root] = r.no
    end
    if r.schedule then
        at['schedule:' .. r.schedule] = r.no
        if not OVER[state] then
            at['ticking:' .. r.schedule] = r.no
        end
    end
    for _, tag in ipairs(r.tags or {}) do
        at['tag:' .. tag] = r.no
    end
    return at
end

-- The row of a run, or nil.
function M.row(ref)
    local r = rows[ref]
    if r == nil then
        local text = texts[ref]
        if text == nil then
            text = call('GET', M.run_key(ref))
        end
        if text then
            r = M.opened(text)
            r.ref, r.text = ref, text
            if not M.reads then
                r.was, r.was_queue, r.was_listed = r.state, M.of(r).queue, M.listed(r)
            end
        else
            r = false
        end
        rows[ref] = r
    end
    if not r or r.deleted then
        return nil
    end
    return r
end

-- Read the runs of these keys, which are going to be looked at one by one, in one command.
function M.fetch(first, last)
    for i, text in ipairs(first < last and call('MGET', unpack(KEYS, first, last)) or {}) do
        local ref = KEYS[first + i - 1]:sub(#P + 2)
        if rows[ref] == nil and texts[ref] == nil then
            texts[ref] = text
        end
    end
end

-- The same to be looked at only, among very many.
function M.peek(ref)
    local r = rows[ref]
    if r ~= nil then
        return r and not r.deleted and r or nil
    end
    local text = texts[ref]
    if text == nil then
        text = call('GET', M.run_key(ref))
    end
    return text and M.opened(text) or nil
end

-- The same of many: rows where there are rows, else what is known at a glance; false for none. `stored`: filled with texts.
function M.glances(refs, stored)
    local found = {}
    for start = 1, #refs, 1000 do
        local keys, last = {}, math.min(start + 999, #refs)
        for i = start, last do
            insert(keys, M.run_key(refs[i]))
        end
        local said = call('MGET', unpack(keys))
        for i = start, last do
            local ref = refs[i]
            local text = texts[ref] == nil and said[i - start + 1] or texts[ref]
            if rows[ref] ~= nil then
                found[i] = M.row(ref) or false
            else
                found[i] = text and M.glance(text) or false
                if stored and text and text:byte(1) ~= 66 then -- B
                    stored[ref] = text
                end
            end
        end
    end
    return found
end

function M.new_row(ref, r)
    setmetatable(r, M.AS_USUAL)
    local old = rows[ref]
    r.ref = ref
    if old then -- deleted before in this script: what it had is undone with it
        r.was, r.was_queue, r.was_listed, r.text = old.was, old.was_queue, old.was_listed, old.text
    end
    rows[ref] = r
    return r
end

function M.parent(r)
    return r.parent and M.row(r.parent) or nil
end
