-- The moves that operations share: becoming ready, ending, entering. Knows nothing of who asked.

function M.set_state(r, state)
    r.state, r.since_at = state, now
end

-- A line of the run's log. `started_at`: of the attempt it speaks of; `at`: when, if that was before. Of a run that has ended
-- it says how many attempts there were, else in which one it is.
function M.note(r, kind, data, started_at, at)
    local attempt = r.failures + ((not M.finished(r) or r.state == 's') and 1 or 0)
    r.log_seq = r.log_seq + 1
    r.has_log = true
    M.tell(r)
    M.later('RPUSH', P .. ':log:' .. r.ref, pack({ r.log_seq, at or now, kind, data or '', attempt,
        r.worker or false, started_at or false }))
end

-- The run's log has something new for who follows it. One channel carries that and the end.
function M.tell(r)
    if r.watched == 2 then
        M.ring('r:' .. text_of(r.ref))
    end
end

-- The run is ready: out, in the line of a limit, or dropped by it. `fresh`: with a new rank, not woken.
function M.queue_up(r, fresh)
    if fresh then
        r.rank, r.woken = nil, nil
    end
    r.rank = r.rank or (M.of(r).lifo and -M.serial() or M.serial())
    M.set_state(r, 'q')
    r.due_at, r.wake, r.token, r.worker, r.lease_at, r.returned = nil, nil, nil, nil, nil, nil
    M.stop_awaiting(r)
    M.find_place(r)
end

-- Find a queued run its place; a limit may drop it, or ask its holder to go.
function M.find_place(r)
    if r.ending then -- only rollbacks are left: no limit holds these up
        M.to_ready(r)
    elseif not M.join(r) then
        M.finish(r, { state = 'c', cause = 'limit' })
    else
        M.replace_holder(r)
    end
end

-- A run parked at a limit that replaces asks the oldest holder to end.
function M.replace_holder(r)
    if r.place ~= 'P' or r.claims > 0 or M.limit(r.line).full ~= 'replace' or M.line_paused(r.line) then
        return -- what comes back has no right over those that came after it; what is paused would not start in its place
    end
    local holder = M.oldest_holder(r.line)
    if holder and not holder.ending then
        M.end_(holder, { state = 'c', cause = 'limit' })
    end
end

function M.schedule(r, due_at)
    M.set_state(r, 'd')
    r.due_at, r.wake, r.token, r.worker, r.lease_at = due_at, nil, nil, nil, nil
    M.stop_awaiting(r)
    M.ring('u')
end

-- End a run whoever holds it: by request if it is running or has rollbacks to run first, else at once.
function M.end_(r, ending)
    if r.state == 'r' then
        M.request(r, ending)
        if r.worker then
            M.ring('w:' .. r.worker)
        end
    elseif r.ending then
        return -- queued for its rollbacks: on its way already
    elseif r.rollbacks then
        M.request(r, ending)
        M.leave(r)
        M.queue_up(r)
    else
        M.finish(r, ending)
    end
end

-- Ask the run to end so. The first request stands.
function M.request(r, ending)
    if not r.ending then
        r.ending, r.ending_cause, r.ending_error = ending.state, ending.cause, ending.error
        r.ending_id, r.by_parent, r.ending_at = ending.cause_id, ending.by_parent, now
        if r.rollbacks then
            r.crashes = 0 -- the rollbacks have lives of their own to lose
        end
    end
end

-- How the run was asked to end.
function M.requested(r)
    return { state = r.ending, cause = r.ending_cause, error = r.ending_error, cause_id = r.ending_id,
        by_parent = r.by_parent }
end

-- The one way to end a life.
function M.finish(r, ending)
    M.leave(r)
    M.offer_all(M.give_back(r, true))
    M.set_state(r, ending.state)
    r.finished_at, r.finish_no = now, M.serial()
    r.cause, r.cause_id, r.error, r.result = ending.cause, ending.cause_id, ending.error, ending.result
    r.due_at, r.wake, r.token, r.worker, r.lease_at, r.blocked_by, r.own_delay = nil, nil, nil, nil, nil, nil, nil
    r.ending, r.ending_cause, r.ending_error, r.ending_id, r.ending_at = nil, nil, nil, nil, nil
    local was_open = r.open
    r.told, r.returned, r.open, r.rollbacks = nil, nil, nil, nil
    r.by_parent = ending.by_parent or nil
    M.stop_awaiting(r)
    local following = M.let_expire(r)
    local term = M.of(r)
    r.dead = ending.state == 'f' and term.dead_letter and true or nil
    M.follow_up(r)
    if r.kids > 0 then
        local kept = term.siblings == 'keep' and not was_open
        M.mark_cancel(r, ending.state ~= 's' and not kept and 'cd' or 'c')
    end
    if r.watched then
        M.ring('r:' .. text_of(r.ref))
    end
    if following then
        M.let_go(following)
    end
    if was_open and r.opened_at and ending.state == 'c' and not ending.by_parent and r.kind == 'dependency' then
        r.if_fails = 'remove' -- a flow that was never stored whole: for its parent there has been no such child
    end
    M.tell_parent(r)
end

-- Insert the run that learns about this outcome, if one was asked for.
function M.follow_up(r)
    local term = M.of(r)
    local named, which = term.on_success, 'on_success'
    if r.state ~= 's' then
        named, which = term.on_failure, 'on_failure'
    end
    if not named or r.state == 'c' then
        return
    end
    local id = text_of(r.ref) .. '~' .. r.life .. '~' .. which
    local ref = M.ref_of(id)
    if M.row(ref) then
        return
    end
    local number = M.term_number(pack({ named[1], named[2], named[3], 3, 'cancel', term.succeeded, term.failed, term.newest,
        false, false, false }))
    local follower = M.insert(ref, { term = number, input = r.input })
    follower.about = { r.ref, r.life, term.task, M.WORDS[r.state], r.failures + (r.state == 's' and 1 or 0), r.cause or false,
        r.cause_id or false, r.error or false, r.result or false }
    M.queue_up(follower)
end

-- A row as asked for, in no place yet.
function M.insert(ref, r)
    r.no, r.state, r.enqueued_at, r.since_at = M.serial(), 'q', now, now
    M.new_row(ref, r)
    if r.deadline then
        r.deadline_at = now + r.deadline
        M.ring('u')
    end
    if r.parent then
        local parent = M.row(r.parent)
        M.add_child(parent, r)
        if r.kind ~= 'started' then
            r.root, r.depth = parent.root or parent.ref, parent.depth + 1
        end
        if r.kind == 'dependency' then
            parent.pending = parent.pending + 1
        end
    end
    return r
end

-- The time in which a run must start begins when it is due.
function M.expire_from(r, due_at)
    if r.expires and r.claims == 0 then
        r.expires_at = math.max(due_at, now) + r.expires
        M.ring('u')
    end
end

-- A waiting run goes on: succeeded if it had returned, scheduled if it has a delay of its own, else queued.
function M.let_go(r)
    if r.returned then
        M.finish(r, { state = 's', result = r.result })
        return
    end
    local due_at = r.at or (now + (r.own_delay or 0))
    r.own_delay = nil
    M.expire_from(r, due_at)
    if r.claims == 0 and due_at > now then
        M.schedule(r, due_at)
    else
        r.woken = r.claims > 0 or nil
        M.queue_up(r)
    end
end
