-- What is done to runs from outside: cancel, redrive, removal; and what a mark does below.

local ALL_CHILDREN = 'cds'

-- Cancel one run, at once or by request, and mark what is below it.
function M.cancel_row(r, ending, reason, cascade)
    if not r.ending and not M.finished(r) and reason ~= '' then
        r.reason = reason
    end
    if r.kids > 0 then
        local below = cascade and ALL_CHILDREN or 'cd'
        if M.of(r).siblings == 'keep' and not cascade then
            below = 'c'
        end
        M.mark_cancel(r, below)
    end
    if r.ending and r.state == 'q' and not r.rollbacks then
        M.finish(r, ending) -- its rollbacks were called off
    else
        M.end_(r, ending)
    end
end

local function going_down(r)
    return r and r.mark and (r.mark.cancel ~= '' or r.mark.remove)
end

-- Whether a cancel or removal of the run itself goes down from it.
function M.closed_to_children(r)
    return going_down(r) and (not r.mark.upto or r.mark.remove)
end

-- Begin another life. `cascading`: asked for by a mark above, not by hand. `input`: another one, in another history, which
-- keeps the records of this one.
function M.redrive(ref, cascading, input)
    local r = M.row(ref)
    if not r then
        return 'not_found'
    end
    if not M.finished(r) then
        return 'state'
    end
    local parent = M.parent(r)
    if cascading and r.mark then
        r.mark.cancel = '' -- what it has not reached goes on with the new life
    end
    if not cascading and (going_down(r) or going_down(parent)) then
        return 'cascading'
    end
    if r.key then
        local task = M.of(r).task
        if not M.key_of(r) and M.live_key(task, r.key) then
            return 'key_conflict'
        end
        M.put_key(r, { r.key_hash, r.ref, false })
    end
    M.note(r, 'finished', M.WORDS[r.state], nil, r.finished_at)
    M.note(r, 'redriven')
    M.bring_back(r)
    if input then
        r.input, r.history, r.forget = input, r.history + 1, nil
    end
    M.again(r)
    if parent then
        M.unblock(parent, r)
    end
    return 'ok'
end

-- A dependency that had counted is pending again, for a parent that is not finished.
function M.bring_back(r)
    local parent = M.parent(r)
    if not parent or M.finished(parent) or r.kind ~= 'dependency' or not r.counted then
        return
    end
    r.counted = nil
    parent.pending = parent.pending + 1
    if parent.place or parent.state == 'd' then
        M.wait_again(parent)
    end
end

-- Fresh counters and a new rank; with dependencies pending it waits until these were redriven, too.
function M.again(r)
    r.life = r.life + 1
    r.claims, r.idle_claims, r.failures, r.crashes, r.releases = 0, 0, 0, 0, 0
    r.result, r.error, r.cause, r.cause_id, r.reason, r.finished_at, r.settled = nil, nil, nil, nil, nil, nil, nil
    r.started_at, r.expires_at, r.deadline_at, r.finish_no = nil, nil, nil, nil
    r.by_parent, r.dead, r.rank, r.woken, r.refused = nil, nil, nil, nil, ''
    local forgotten = r.forget or {}
    r.forget = nil
    r.rollbacks = M.has_rollbacks(r, forgotten) or nil
    for _, path in ipairs(forgotten) do
        M.forget(r, path)
    end
    if r.deadline then
        r.deadline_at = now + r.deadline
    end
    if r.pending > 0 then
        M.set_state(r, 'w')
        r.own_delay = nil
        r.wake = { false, false, true, false, false, {}, {} }
        M.mark(r).redrive = true
        r.mark.below = nil
        M.ring('u')
    else
        M.expire_from(r, now)
        M.queue_up(r)
    end
    local parent = M.parent(r)
    if parent and parent.state == 'w' and parent.awaits then
        M.await(parent)
    end
end

-- Leave no trace of the run (retention keeps what its key stands for); its parent no longer waits for it. `whole`: all
-- below it goes, too.
function M.delete(r, keep_key, whole)
    M.leave(r)
    M.offer_all(M.give_back(r, true))
    r.mark = nil
    local following
    if keep_key then
        following = M.let_expire(r)
    else
        following = M.forget_key(r)
    end
    local parent = M.parent(r)
    if parent then
        if r.kind == 'dependency' then
            M.count(parent, r)
        elseif r.kind == 'call' and not M.finished(r) and not M.finished(parent) then
            parent.finishes = parent.finishes + 1
        end
        M.cut(r)
    end
    for _, orphans in ipairs({ whole and {} or M.children(r, 1001), M.started(r, 1000) }) do -- what else it started is shown without it
        for _, child in ipairs(orphans) do
            child.parent, child.root, child.counted, child.kind, child.seq = nil, nil, nil, nil, nil
            child.if_fails, child.cascade, child.name = nil, nil, ''
        end
    end
    M.stop_awaiting(r)
    for _, beside in ipairs({ { 'steps', r.has_steps }, { 'mail', r.mail }, { 'log', r.has_log }, { 'heard', r.heard },
        { 'blockers', r.blockers }, { 'children', r.kids > 0 }, { 'started', r.kids > 0 } }) do
        if beside[2] then
            M.later('UNLINK', P .. ':' .. beside[1] .. ':' .. r.ref)
        end
    end
    if r.watched then
        M.ring('r:' .. text_of(r.ref))
    end
    r.deleted = true
    if parent then
        M.wake_if_due(parent)
    end
    if following then
        M.let_go(following)
    end
end
