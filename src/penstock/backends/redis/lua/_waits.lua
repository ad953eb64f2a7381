-- Waiting. A wake is {at, delay, idle, finishes, early, of, signals}: of {{references}, n, missing, bad}; signals
-- {name, n, ...}. Each awaited child is known by its entries, so that its end need not look at the others.

-- What this script has noted, and not written yet: by reference of the waiting run.
local noted = {}

function M.stop_awaiting(r)
    if r.awaits then
        r.awaits, noted[r.ref] = nil, nil
        M.later('UNLINK', P .. ':awaits:' .. r.ref)
    end
end

-- How these stand: the letter of each one's state, or '' if it is no child of the run.
function M.states_below(r, refs)
    local states = {}
    for i, child in ipairs(M.glances(refs)) do
        states[i] = child and child.parent == r.ref and child.state or ''
    end
    return states
end

-- How the entries of a wake stand, from the children themselves.
function M.await(r)
    local wake, entries, alone = r.wake, {}, {}
    for i, entry in ipairs(wake[6]) do
        local finished = 0
        entry[4] = false
        alone[i] = { i }
        for k, state in ipairs(M.states_below(r, entry[1])) do
            local ref = entry[1][k]
            if state == '' or state == 'f' or state == 'c' then
                entry[4] = true
            elseif state == 's' then
                finished = finished + 1
            end
            if entries[ref] then
                entries[ref] = { unpack(entries[ref]) }
                insert(entries[ref], i)
            else
                entries[ref] = alone[i]
            end
        end
        entry[3] = entry[2] - finished
    end
    for _, list in ipairs(alone) do
        alone[list] = pack(list)
    end
    if #wake[6] > 0 then
        noted[r.ref] = entries
        r.awaits = true
        local some
        for ref, list in pairs(entries) do
            if not some or #some > 900 then
                some = M.later('HSET', P .. ':awaits:' .. r.ref)
            end
            insert(some, ref)
            insert(some, alone[list] or pack(list))
        end
    end
end

-- A child of a waiting run has ended, lives again, or is none any more.
function M.expected(parent, child)
    if parent.state == 'w' and parent.wake and #parent.wake[6] > 0 then
        local list = (noted[parent.ref] or {})[child.ref]
        if not noted[parent.ref] then
            local text = call('HGET', P .. ':awaits:' .. parent.ref, child.ref)
            list = text and unpack_(text)
        end
        for _, i in ipairs(list or {}) do
            local entry = parent.wake[6][i]
            if child.state == 's' and child.parent == parent.ref then
                entry[3] = entry[3] - 1
            else
                entry[4] = true
            end
        end
    end
end

local function signalled(r, signals)
    for i = 1, #signals, 2 do
        if (r.mail and r.mail[signals[i]] or 0) >= signals[i + 1] then
            return true
        end
    end
    return false
end

-- Whether what a waiting run waits for has happened.
function M.fulfilled(r)
    if r.open or (r.mark and r.mark.redrive) then
        return false
    end
    if r.returned then
        return r.pending == 0
    end
    local wake = r.wake
    if not wake then
        return true
    end
    if (wake[1] and wake[1] <= now) or (wake[3] and r.pending == 0) or (wake[4] and r.finishes >= wake[4])
        or (wake[5] and r.early >= wake[5]) or signalled(r, wake[7]) then
        return true
    end
    for _, entry in ipairs(wake[6]) do
        if entry[4] or entry[3] <= 0 then
            return true
        end
    end
    return false
end

function M.wake_if_due(r)
    if r.state == 'w' and not r.deleted and M.fulfilled(r) then
        M.let_go(r)
    end
end

-- A wake with its delay turned into a moment.
function M.resolve(wake)
    if wake[2] then
        local at = now + wake[2]
        wake[1] = wake[1] and math.min(wake[1], at) or at
        wake[2] = false
    end
    return wake
end

-- References in place of ids.
function M.refer(wake)
    for _, entry in ipairs(wake[6]) do
        for i, id in ipairs(entry[1]) do
            entry[1][i] = M.ref_of(id)
        end
    end
    return wake
end
