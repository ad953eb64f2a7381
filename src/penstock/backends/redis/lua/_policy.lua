-- What the end of a child does to its parent: whether it counts, wakes, blocks or fails it.

-- Count a child that has just ended with its parent, by the table of policies.
function M.tell_parent(child)
    local parent = M.parent(child)
    if not parent or child.kind == 'started' then
        return
    end
    if not M.finished(parent) then
        parent.finishes = parent.finishes + 1
        parent.idle_claims = 0
        M.expected(parent, child)
    end
    if child.kind == 'dependency' and not child.counted then
        if child.state == 's' then
            M.count(parent, child)
            return
        end
        if not child.by_parent then
            M.apply_policy(parent, child, child.if_fails)
            return
        end
    end
    M.wake_if_due(parent)
end

-- What the bad end of a dependency does: core/policy.py as data.
local FAIL = { waiting = 'fail', unstarted = 'fail', running = 'fail', returned = 'fail' }
local BLOCK = { waiting = 'block', unstarted = 'block', running = 'block', returned = 'block' }
local START = { waiting = 'start', unstarted = 'early', running = 'early', returned = 'count' }
local COUNT = { waiting = 'count', unstarted = 'count', running = 'count', returned = 'count' }
local POLICY = { fail = FAIL, block = BLOCK, continue = START, ignore = COUNT, remove = COUNT }

local function standing(r)
    if r.state == 'r' then
        return 'running'
    end
    if r.state == 'w' then
        return r.returned and 'returned' or 'waiting'
    end
    return 'unstarted'
end

function M.apply_policy(parent, child, policy)
    if policy == 'block' then
        M.add(M.zset('blockers:' .. parent.ref), child.ref, child.seq)
        parent.blockers = true
    end
    if M.finished(parent) then
        return
    end
    local effect = POLICY[policy][standing(parent)]
    if effect == 'fail' then
        M.end_(parent, { state = 'f', cause = 'child', cause_id = child.ref, error = child.error })
    elseif effect == 'block' then
        parent.blocked_by = parent.blocked_by or child.ref
        M.wake_if_due(parent)
    elseif effect == 'start' then
        parent.early = parent.early + 1
        parent.wake = parent.wake or { false, false, true, false, false, {}, {} }
        parent.wake[5] = parent.early
        M.count(parent, child)
        M.wake_if_due(parent)
    elseif effect == 'early' then
        parent.early = parent.early + 1
        M.count(parent, child)
    else
        M.count(parent, child)
    end
end

-- The child blocks its parent no longer.
function M.unblock(parent, child)
    if not parent.blockers then
        return
    end
    local z = M.zset('blockers:' .. parent.ref)
    M.rem(z, child.ref)
    local first = M.range(z, 1)[1]
    parent.blockers = first and true or nil
    if parent.blocked_by == child.ref then
        parent.blocked_by = first and first[1] or nil
    end
end

-- The parent no longer waits for this dependency. Nothing else changes about a finished parent.
function M.count(parent, child)
    if child.counted then
        return
    end
    child.counted = true
    M.discount(parent, child)
end

-- The same, once the child knows.
function M.discount(parent, child)
    parent.pending = parent.pending - 1
    M.unblock(parent, child)
    if not M.finished(parent) then
        M.wake_if_due(parent)
    end
end
