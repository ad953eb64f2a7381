-- What the holders of leases do: turn outcomes into moves; and what becomes of a lease that is lost.

-- An outcome: {kind, token, ...}: complete result | retry delay error forget | fail error cause forget |
-- release refused unstarted | suspend wake | restart input.
function M.settle(ref, outcome)
    local kind, token = outcome.kind, outcome.token
    local r = M.held(ref, token)
    if not r then
        local known = M.row(ref)
        return known and known.settled == kind .. ' ' .. token and 'ok' or 'lost'
    end
    r.settled = kind .. ' ' .. token
    M.note_outcome(r, outcome)
    local freed = M.give_back(r)
    if r.ending then
        M.settle_ending(r, outcome)
    else
        M[kind](r, outcome)
    end
    M.offer_all(freed)
    return 'ok'
end

-- Count the attempt as what it was, and log what is not told by the row.
function M.note_outcome(r, outcome)
    local kind = outcome.kind
    if kind == 'fail' or (kind == 'retry' and outcome.error) then
        M.note(r, 'attempt', outcome.error, r.started_at)
        r.failures = r.failures + 1
    elseif kind == 'release' and outcome.unstarted then
        r.claims, r.idle_claims = r.claims - 1, r.idle_claims - 1
        M.stand_for_key(r)
    elseif kind == 'retry' or kind == 'release' then
        M.note(r, 'release', nil, r.started_at)
        r.releases = r.releases + 1
    end
end

-- The run was asked to end: it does, unless it comes back for its rollbacks.
function M.settle_ending(r, outcome)
    local kind = outcome.kind
    if r.rollbacks and not (r.told and (kind == 'complete' or kind == 'fail')) then
        if kind == 'release' and outcome.refused then
            M.refuse(r, outcome.refused)
        end
        if kind == 'fail' and r.ending == 'f' then
            r.ending_cause, r.ending_error, r.ending_id = outcome.cause, outcome.error, nil
        end
        M.queue_up(r)
    elseif r.ending == 'f' and kind == 'fail' then
        M.finish(r, { state = 'f', cause = outcome.cause, error = outcome.error })
    else
        M.finish(r, M.requested(r))
    end
end

function M.complete(r, outcome)
    if r.pending == 0 then
        M.finish(r, { state = 's', result = outcome.result })
        return
    end
    M.set_state(r, 'w')
    r.token, r.worker, r.lease_at = nil, nil, nil
    r.result, r.returned = outcome.result, true
    M.mark_calls(r)
end

function M.retry(r, outcome)
    if outcome.delay > 0 or outcome.error then
        r.idle_claims = 0
    end
    for _, path in ipairs(outcome.forget or {}) do
        M.forget(r, path)
    end
    if outcome.delay > 0 then
        M.schedule(r, now + outcome.delay)
        r.rank, r.woken = nil, nil
    else
        M.queue_up(r, true)
    end
end

function M.fail(r, outcome)
    r.forget = outcome.forget and #outcome.forget > 0 and outcome.forget or nil
    M.finish(r, { state = 'f', cause = outcome.cause, error = outcome.error })
end

function M.release(r, outcome)
    if outcome.refused then
        M.refuse(r, outcome.refused)
    end
    M.queue_up(r)
end

-- The run keeps away from this code.
function M.refuse(r, fingerprint)
    local all = { fingerprint }
    for one in r.refused:gmatch('[^\n]+') do
        if one ~= fingerprint then
            insert(all, one)
        end
    end
    table.sort(all)
    r.refused = table.concat(all, '\n')
    M.ring('b:' .. M.of(r).queue)
end

function M.suspend(r, outcome)
    M.set_state(r, 'w')
    r.token, r.worker, r.lease_at = nil, nil, nil
    r.wake = M.resolve(M.refer(outcome.wake))
    if r.wake[1] then
        M.ring('u')
    end
    M.await(r)
    M.wake_if_due(r)
end

function M.restart(r, outcome)
    r.history = r.history + 1
    local left, counted = M.unread(r, M.steps(r))
    if r.mail then
        M.later('UNLINK', P .. ':mail:' .. r.ref)
        for _, text in ipairs(left) do
            M.later('RPUSH', P .. ':mail:' .. r.ref, text)
        end
        r.mail = counted
    end
    if r.has_steps then
        M.later('UNLINK', P .. ':steps:' .. r.ref)
        r.has_steps = nil
    end
    r.input, r.failures, r.rollbacks, r.idle_claims, r.woken = outcome.input, 0, nil, 0, true
    r.refused = '' -- the new history has nothing that could fail to fit
    M.mark_calls(r)
    M.queue_up(r)
end

-- The lease was lost: count the crash, and end the run or queue it again.
function M.rescue(r)
    M.note(r, 'crash', nil, r.started_at)
    r.crashes = r.crashes + 1
    r.settled = nil
    local freed = M.give_back(r)
    local over = r.crashes >= M.of(r).crashes
    if r.ending then
        if over or not r.rollbacks then
            M.finish(r, M.requested(r))
        else
            M.queue_up(r)
        end
    elseif over and not r.rollbacks then
        M.finish(r, { state = 'f', cause = 'crashed' })
    else
        if over then
            M.request(r, { state = 'f', cause = 'crashed' })
        end
        M.queue_up(r)
    end
    M.offer_all(freed)
end
