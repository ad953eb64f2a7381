-- Where queued runs stand: ready, in the line of a limit, or aside. Knows nothing of why a run is queued or ends.

-- Entries of places sort by (score, rank, reference); a fair run's by its turn, where claims look.
function M.entry(r)
    if r.turn then
        return struct.pack('>I7', r.turn + FIRST) .. r.ref, NEWCOMER
    end
    return M.standing(r)
end

-- The same by its own rank.
function M.standing(r)
    return struct.pack('>I7', r.rank + FIRST) .. r.ref, (1000 - r.priority) * 2 + (r.woken and 0 or 1)
end

local function side_name(r)
    local term = M.of(r)
    return term.queue .. ':' .. pack({ term.task, term.version, r.refused })
end

function M.stand(r, line)
    return M.of(r).queue .. ':' .. r.priority .. ':' .. line
end

local function group_of(r)
    return M.of(r).queue .. ':' .. r.priority
end

-- Queue and value of a fair run.
function M.value_of(r)
    return M.of(r).queue .. ':' .. r.fair
end

M.newly = {} -- queue from which a claim takes -> who came to be ready there meanwhile, as a place that it reads

local function note_ready(place, entry, score)
    local list, i = place.entries, #place.entries
    while i >= place.at and (score < list[i][2] or (score == list[i][2] and entry < list[i][1])) do
        i = i - 1
    end
    insert(list, i + 1, { entry, score })
end

-- Which lines a limit has, and which groups a line: found again by limit.
function M.note_line(line)
    M.add(M.zset('lines:' .. M.limit_name(line)), line, 0)
end

-- Put a queued run where every claim looks, into a line, aside, or behind its value: 'Z', 'P', 'S', 'F'.
function M.put(r, place)
    r.place = place
    local entry, score = M.entry(r)
    if place == 'Z' then
        local queue = M.of(r).queue
        M.add(M.zset('ready:' .. queue), entry, score, not r.text)
        if M.newly[queue] then
            note_ready(M.newly[queue], entry, score)
        end
        if r.turn then
            M.add(M.zset('turns:' .. M.value_of(r)), M.standing(r))
        end
    elseif place == 'F' then
        M.add(M.zset('behind:' .. M.value_of(r)), entry, score)
    end
    if place == 'Z' or place == 'F' then
        if r.line then
            M.add(M.zset('out:' .. M.stand(r, r.line)), r.ref, r.no, not r.text)
            M.add(M.zset('groups:' .. r.line), group_of(r), 0)
            M.note_line(r.line)
        end
    elseif place == 'P' then
        local after = struct.pack('>I7', r.rank + FIRST) .. r.ref
        M.add(M.zset('parked:' .. M.stand(r, r.line)), after, r.woken and 0 or 1, not r.text)
        M.add(M.zset('groups:' .. r.line), group_of(r), 0)
        M.note_line(r.line)
        M.touched(r.line)
    else
        local side = side_name(r)
        M.add(M.zset('side:' .. side), entry, score)
        M.add(M.zset('sides:' .. M.of(r).queue), side, 0)
        M.add(M.zset('sidequeues:' .. M.of(r).task), M.of(r).queue, 0)
    end
end

-- Take it from where it stands. An entry of the newcomers' list stays: claims drop it.
function M.take_out(r)
    local place = r.place
    if not place then
        return
    end
    r.place = nil
    if place == 'L' then
        return
    end
    local entry = M.entry(r)
    if place == 'Z' or place == 'F' then
        if place == 'F' then
            M.rem(M.zset('behind:' .. M.value_of(r)), entry)
        else
            M.rem(M.zset('ready:' .. M.of(r).queue), entry)
        end
        if r.turn then
            r.turn = nil
            M.rem(M.zset('turns:' .. M.value_of(r)), (M.standing(r)))
        end
        if r.line then
            M.rem(M.zset('out:' .. M.stand(r, r.line)), r.ref)
        end
    elseif place == 'P' then
        M.rem(M.zset('parked:' .. M.stand(r, r.line)), struct.pack('>I7', r.rank + FIRST) .. r.ref)
        M.touched(r.line)
    else
        local side = side_name(r)
        local z = M.zset('side:' .. side)
        M.rem(z, entry)
        if M.card(z) == 0 then
            M.rem(M.zset('sides:' .. M.of(r).queue), side)
        end
    end
end

function M.ring_queue(queue)
    M.ring('q:' .. queue)
end

-- Where every claim looks; a fair run, when it is its turn.
function M.to_ready(r)
    if r.fair then
        M.enter_turns(r)
        return
    end
    M.put(r, 'Z')
    M.ring_queue(M.of(r).queue)
end

-- Take the run from where it stands; its line, if any, may offer to the next.
function M.leave(r)
    M.step_out(r)
    local line = r.line
    r.line = nil
    M.offer(line)
end
