-- Working off marks: what is left to do below a run, from where upkeep has come to among its children.

local PAGE = 50
local LOOKS = 1000 -- at runs of a tree, in which those of a flow are searched
local LOOK = 2000 -- children that one script looks at

-- What stands lowest below the run, or the run itself.
local function leaf(r)
    local child = M.children(r, 1)[1]
    while child do
        r = child
        child = M.children(r, 1)[1]
    end
    return r
end

local function work_remove(r, most)
    local done, keep_keys = 0, r.mark.keep_keys
    while done < most and not r.deleted do
        M.delete(leaf(r), keep_keys)
        done = done + 1
    end
    return done
end

-- A run of a flow that has been closed stands on its own now.
function M.let_in(r)
    r.open = nil
    if r.wake then
        r.wake = M.resolve(r.wake)
        M.await(r)
    end
    M.wake_if_due(r)
end

local function work_close(r, most)
    local done, looked = 0, 0
    local from = r.mark.closing or { r.ref, r.no }
    while done < most and looked < LOOKS do
        local page = M.range(M.zset('root:' .. (r.root or r.ref)), PAGE, nil, from)
        if #page == 0 then
            return done, true
        end
        looked = looked + #page
        for _, one in ipairs(page) do
            if done >= most then
                break
            end
            from = one
            r.mark.closing = one
            local child = M.row(one[1])
            if child and child.open and (not r.root or M.is_below(r, child.ref)) then
                M.let_in(child)
                done = done + 1
            end
        end
    end
    return done, false
end

local function work_child(r, child)
    local done = 0
    if M.doomed_by_mark(r, child) and not M.finished(child) and not child.ending then
        M.cancel_row(child, { state = 'c', cause = 'parent', by_parent = true }, r.reason or '', true)
        done = done + 1
    end
    if r.mark.redrive and child.kind == 'dependency' and not child.counted and M.finished(child) then
        M.redrive(child.ref, true)
        done = done + 1
    end
    return done
end

-- The children of one list, from the place that `cursor` names on. Most have ended, and are passed over at a glance.
local function work_through(r, list, cursor, most)
    local done, looked = 0, 0
    while done < most and looked < LOOK do
        local page, refs = r.kids > 0 and M.range(M.zset(list .. r.ref), PAGE, nil, r.mark[cursor]) or {}, {}
        if #page == 0 then
            return done, true
        end
        for i, one in ipairs(page) do
            refs[i] = one[1]
        end
        for i, child in ipairs(M.glances(refs)) do
            if done >= most then
                break
            end
            r.mark[cursor], looked = page[i], looked + 1
            if child and (r.mark.redrive or not M.finished(child)) then
                done = done + work_child(r, M.row(refs[i]))
            end
        end
    end
    return done, false
end

local function work_children(r, most)
    local done, through = work_through(r, 'children:', 'below', most)
    if through and r.mark.cancel:find('s', 1, true) then
        local more
        more, through = work_through(r, 'started:', 'beyond', most - done)
        done = done + more
    end
    return done, through
end

-- What this mark asks for, at most so many runs; whether it is through, and then gone.
function M.work_below(r, most)
    if r.mark.remove then
        return work_remove(r, most), r.deleted
    end
    local done, through = work_children(r, most)
    if through and r.mark.close then
        local more
        more, through = work_close(r, most - done)
        done = done + more
    end
    if through and done == 0 then -- a pass that finds nothing more ends it
        local closed = r.mark.close
        r.mark = nil
        if closed and r.open then
            M.let_in(r)
        end
        M.wake_if_due(r)
    end
    return done, through
end
