-- Children that are complete and have nothing but a parent besides: they end as they are stored, and only their parents are
-- rows. All that `finish` and `tell_parent` would do is here.

-- The answer, or nil: then it ends as others do.
function M.complete_child(ref, outcome)
    local text = rows[ref] == nil and texts[ref] == nil and call('GET', M.run_key(ref))
    if not text or text:byte(1) ~= 82 or text:byte(2) % RANKED < FAMILY then -- R, with a parent
        return nil
    end
    local from = HEAD + 9 + text:byte(HEAD + 8) -- behind the token
    if text:sub(HEAD + 9, from - 1) ~= outcome.token then
        return 'lost'
    end
    local number, after = struct.unpack('>I3', text, 3), from + 1 + text:byte(from)
    local term, child = M.term(number), { ref = ref, state = 's' }
    local beside = M.glance(text)
    child.parent, child.kind = beside.parent, beside.kind
    local parent = M.row(child.parent)
    if term.on_success or child.kind == 'started' or not parent then
        return nil
    end
    local flags, no = text:byte(2), M.serial()
    local counts = child.kind == 'dependency' and flags < COUNTED
    local size = text:byte(19) * 256 + text:byte(20) + 2 + text:byte(after) * 256 + text:byte(after + 1)
    M.put_text(ref, 'S' .. string.char(counts and flags + COUNTED or flags) .. text:sub(3, HEAD + 7)
        .. struct.pack('>I7I6', now, no) .. text:sub(HEAD + 8, from - 1) .. struct.pack('>I4', #text - after + 1 - size)
        .. text:sub(after) .. outcome.result)
    M.put_unlisted('leases', ref)
    M.put_listed('over:s:' .. number .. ':child', no, ref)
    M.count_more('r' .. term.queue, -1)
    M.count_more('s' .. term.queue, 1)
    if flags % 4 > 0 then
        M.ring('r:' .. text_of(ref))
    end
    if not M.finished(parent) then
        parent.finishes = parent.finishes + 1
        parent.idle_claims = 0
        M.expected(parent, child)
    end
    if counts then
        M.discount(parent, child)
    else
        M.wake_if_due(parent)
    end
    return 'ok'
end
