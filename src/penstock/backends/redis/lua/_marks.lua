-- Marks: cancel (kinds: c calls, d dependencies, s started), upto, remove, keep_keys, redrive, close; and how far upkeep
-- has come: `below` among children, `beyond` among those started, `closing` among the runs of a flow.

function M.mark(r)
    r.mark = r.mark or { cancel = '' }
    M.marked = true
    return r.mark
end

-- Upkeep will cancel the run's children of these kinds; the run itself is over, or asked to end.
function M.mark_cancel(r, kinds)
    local mark = M.mark(r)
    for kind in kinds:gmatch('.') do
        if not mark.cancel:find(kind, 1, true) then
            mark.cancel = mark.cancel .. kind
        end
    end
    mark.upto, mark.below, mark.beyond = nil, nil, nil
    mark.close, mark.redrive = nil, nil -- what is cancelled is not let in any more, nor brought back
    M.ring('u')
end

-- Upkeep will cancel the calls that the run has made so far. It lives on, and may make others.
function M.mark_calls(r)
    if r.kids == 0 or (r.mark and r.mark.cancel ~= '' and not r.mark.upto) then
        return
    end
    local mark = M.mark(r)
    mark.cancel, mark.upto, mark.below, mark.beyond = 'c', M.serial(), nil, nil
    M.ring('u')
end

local LETTER = { call = 'c', dependency = 'd', started = 's' }

-- Whether a cancel or removal that goes down from the parent is about this child.
function M.doomed_by_mark(parent, child)
    local mark = parent and parent.mark
    if not mark then
        return false
    end
    local spared = child.kind == 'started' and child.cascade == 0
    return mark.remove == true
        or (child.kind ~= nil and mark.cancel:find(LETTER[child.kind], 1, true) ~= nil and not spared
            and (not mark.upto or child.no <= mark.upto))
end
