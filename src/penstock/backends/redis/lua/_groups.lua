-- Groups of new runs: looked at whole, then stored whole. Shared by enqueue, spawn, fire, fork and signals that start.
-- A run as it comes: its row's fields by name, `id` as text, `term` as a list, `input` and `options` beside it.

-- Store the group, or say what is wrong with it. `holder`: the running run whose children these may be.
-- Returns a refusal or nil, and {reference, 1 if it was created, ...} of the runs in order; of leaves, which are new, none.
function M.enter(group, holder)
    if group.leaves and not M.all_new(group) then
        for i, new in ipairs(group.runs) do
            group.runs[i] = type(new) == 'number' and M.whole(group, i) or new
        end
        group.leaves = nil
    end
    for _, new in ipairs(group.leaves and group.others or group.runs) do
        M.prepare(new)
    end
    if group.flow then
        group.flow = M.ref_of(group.flow)
    end
    local refused = M.check_group(group) or M.check_runs(group, holder)
    if refused then
        return refused
    end
    local entered, fresh, known, again = {}, {}, {}, {}
    M.entered = true
    if group.leaves then
        M.create_all(group, fresh)
    end
    for _, new in ipairs(group.leaves and {} or group.runs) do
        local ref, existing = new.ref, M.known_as(new)
        if not existing then
            insert(fresh, M.create(new, group))
        elseif existing ~= ref and M.makes_next(new) then
            M.create_next(new)
            existing = nil
        elseif existing ~= ref then
            local r = M.taken_over(new)
            if r then
                insert(again, { r, new })
                existing = r.ref
            end
        end
        insert(entered, existing or ref)
        insert(entered, existing and 0 or 1)
        if existing and new.kind == 'dependency' then
            insert(known, { existing, new })
        end
    end
    M.open_or_close(group)
    for _, one in ipairs(known) do
        M.adopt(M.row(one[1]), one[2])
    end
    for _, r in ipairs(fresh) do
        M.activate(r)
    end
    for _, one in ipairs(again) do
        M.rewrite(one[1], one[2])
    end
    return nil, entered
end

-- The keys and bytes of the group's runs, which come beside them, from the key after `k` on; which was the last.
function M.take(group, k)
    local refs, inputs, all_options, others, skip = {}, {}, {}, {}, #P + 2
    local size, at, keys, args = 0, bytes_at, KEYS, ARGV
    group.refs, group.inputs, group.options, group.shapes, group.keys_from = refs, inputs, all_options, {}, k
    for i, new in ipairs(group.runs) do
        k, at = k + 1, at + 2
        local input, options = args[at - 1], args[at]
        size = size + #input + #options
        if type(new) == 'table' then
            M.named(new.id, keys[k])
            new.input, new.options = input, options
            others[#others + 1] = new
        else
            refs[i], inputs[i], all_options[i] = keys[k]:sub(skip), input, options
        end
    end
    bytes_at, group.size, group.others = at, size, others
    return k
end

-- References in place of ids, and the number of the term.
function M.prepare(new)
    new.ref, new.id = new.ref or M.ref_of(new.id), nil
    if new.parent then
        new.parent = M.ref_of(new.parent)
    end
    if new.wake then
        M.refer(new.wake)
    end
    new.term = M.number_of(new.term)
    new.task = M.term(new.term).task
end

-- The run that this one's id or key stands for already.
function M.known_as(new)
    if M.row(new.ref) then
        return new.ref
    end
    local entry = new.key and M.live_key(new.task, new.key)
    return entry and entry[2] or nil
end

-- The row of a new run, with its key and the count at its parent, in no place yet.
function M.create(new, group)
    local wake = new.wake
    local ref = new.ref
    new.wake, new.task, new.ref = nil, nil, nil
    local r = M.insert(ref, new)
    if r.key then
        M.put_key(r, { r.key_hash, ref, false })
    end
    if group.flow then
        r.open = true
        r.state, r.wake, r.own_delay = 'w', wake, r.delay
    elseif wake then
        r.state, r.own_delay = 'w', r.delay
        r.wake = M.resolve(wake)
    else
        local due_at = r.at or now + (r.delay or 0)
        M.expire_from(r, due_at)
        if due_at > now then
            r.state, r.due_at = 'd', due_at
        end
    end
    if r.kind == 'dependency' then
        M.hold_back(r)
    end
    return r
end

-- A parent that stands ready without having started waits for its new dependency.
function M.hold_back(child)
    local parent = M.parent(child)
    if parent and (parent.place or parent.state == 'd') then
        M.wait_again(parent)
    end
end

-- Back from ready to waiting for its dependencies: only a run that has not been claimed.
function M.wait_again(parent)
    if parent.claims > 0 or parent.early > 0 or parent.ending then
        return -- it has started, or a child that failed under `continue` has let it go
    end
    if parent.state == 'd' and parent.due_at then
        parent.own_delay = math.max(0, parent.due_at - now)
    end
    M.leave(parent)
    M.set_state(parent, 'w')
    parent.due_at, parent.expires_at = nil, nil
    parent.wake = { false, false, true, false, false, {}, {} }
end

-- The root of a flow notes its latest group; the last one lets its runs go, by a mark.
function M.open_or_close(group)
    if not group.flow then
        return
    end
    local root = M.row(group.flow)
    if not root.open then
        return
    end
    root.opened_at = now
    if group.closes then
        M.mark(root).close = true
        M.ring('u')
    end
end

-- An existing run becomes a dependency: what it has come to counts at once.
function M.adopt(r, edge)
    local parent = M.row(edge.parent)
    if r.parent == parent.ref or M.finished(parent) then
        return
    end
    M.cut(r)
    r.parent, r.kind, r.if_fails, r.name, r.cascade = parent.ref, edge.kind, edge.if_fails, edge.name or '', edge.cascade
    M.add_child(parent, r)
    M.reroot(r, parent.root or parent.ref, parent.depth + 1)
    parent.pending = parent.pending + 1
    if not M.finished(r) then
        M.hold_back(r)
    elseif r.state == 's' then
        M.count(parent, r)
    else
        M.apply_policy(parent, r, r.if_fails)
    end
end

local function dropped(r)
    for _, line in ipairs(M.lines_of(r)) do
        if M.limit(line).full == 'drop' and M.free(line) == 0 and not M.line_paused(line) then
            return true
        end
    end
    return false
end

-- Give a created row its place.
function M.activate(r)
    if r.state == 'q' and not r.place then
        if r.pending > 0 then
            M.wait_again(r)
        elseif dropped(r) then
            M.finish(r, { state = 'c', cause = 'limit' })
        else
            M.queue_up(r)
        end
    elseif r.state == 'd' then
        M.ring('u')
    elseif r.state == 'w' then
        if r.wake and r.wake[1] then
            M.ring('u')
        end
        if r.wake and not r.open then
            M.await(r)
        end
        M.wake_if_due(r)
    end
end

-- The number of a term: of one that the call has brought, by its place there, or of one that is here.
local numbers = {}
function M.number_of(term)
    if type(term) == 'table' then
        return M.term_number(pack(term))
    end
    if not numbers[term] then
        numbers[term] = M.term_number(pack(M.given_terms[term]))
    end
    return numbers[term]
end

-- What a group has come to, as it is answered: no more than that, if all of it is new and was stored as leaves.
function M.group_answer(refused, entered)
    if refused then
        return { refused.answer, refused.index, refused.ref or false, refused.detail }
    end
    insert(entered, 1, 'ok')
    return entered
end
