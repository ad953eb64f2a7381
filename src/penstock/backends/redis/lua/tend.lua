-- parts: start args model
-- Rescue, promote, expire, cascade and purge what is due, at most `budget` runs in all.
-- `purge`: that, too, once no mark is left to be done. Comes back with whether to ask again.
-- args: budget gap hold purge
local left = A.budget
local again = false -- there is more of what is not counted

-- The rows that are due in a sorted set, the longest first, then in the order of enqueueing.
local function due_rows(name, most)
    local found = {}
    for _, one in ipairs(M.range(M.zset(name), most > 0 and most + 50 or 0, now)) do
        insert(found, { M.row(one[1]), one[2] })
    end
    table.sort(found, function(a, b)
        return a[2] < b[2] or (a[2] == b[2] and a[1].no < b[1].no)
    end)
    for i = #found, most + 1, -1 do
        found[i] = nil
    end
    return found
end

local function rescue()
    local found = due_rows('leases', left)
    for _, one in ipairs(found) do
        M.rescue(one[1])
    end
    return #found
end

local function promote()
    local found = due_rows('due', left)
    for _, one in ipairs(found) do
        local r = one[1]
        if r.state == 'd' then
            M.queue_up(r, true)
        elseif r.state == 'w' then
            r.idle_claims = 0
            M.wake_if_due(r)
        end
    end
    local rates = M.range(M.zset('rates'), 20, now)
    for _, one in ipairs(rates) do
        M.offer(one[1])
    end
    again = again or #rates == 20
    for _, one in ipairs(M.range(M.zset('tidy'), 20, now)) do
        M.tidy(one[1])
    end
    return #found
end

local DAY = 86400000000
local function expire()
    for _, one in ipairs(M.range(M.zset('workers'), 100, now)) do
        M.forget_worker(one[1])
    end
    for _, one in ipairs(M.range(M.zset('flushes'), 100, now - DAY)) do
        M.rem(M.zset('flushes'), one[1])
        M.hset('flushed', one[1], nil)
    end
    local done = 0
    for _, one in ipairs(due_rows('ends', left)) do
        local r = one[1]
        if M.finished(r) or r.ending then -- by what came before it here
            done = done + 0
        elseif r.open and r.opened_at and r.opened_at + 600000000 <= now and not r.mark then
            M.finish(r, { state = 'c', cause = 'abandoned' })
            done = done + 1
        elseif r.deadline_at and r.deadline_at <= now then
            M.end_(r, { state = 'f', cause = 'deadline' })
            done = done + 1
        elseif r.expires_at and r.expires_at <= now and r.claims == 0 and r.state ~= 'r' then
            M.end_(r, { state = 'f', cause = 'expired' })
            done = done + 1
        end
    end
    return done
end

local function cascade()
    local done = 0
    for _, one in ipairs(M.range(M.zset('marks'), 20)) do
        local r = M.row(one[1])
        again = true
        if done < left and r and r.mark then
            done = done + M.work_below(r, left - done)
        end
    end
    return done
end

-- Lone finished runs, from the head of each index that is due: {row, when it goes}.
local indexes = {}
local function lone(found, most)
    for _, one in ipairs(M.range(M.zset('purges'), most > 0 and 20 or 0, now)) do
        local rows = {}
        for _, head in ipairs(M.range(M.zset(one[1]), most + 1)) do
            local r = M.row(head[1])
            insert(rows, r)
            if M.goes_at(r) <= now then
                insert(found, { r, M.goes_at(r) })
            end
        end
        insert(indexes, { one[1], rows, #rows <= most })
    end
end

-- An index is due again with its next head.
local function postpone()
    for _, index in ipairs(indexes) do
        local next_at
        for _, r in ipairs(index[2]) do
            if not r.deleted then
                next_at = next_at or M.goes_at(r)
            end
        end
        if next_at then
            M.add(M.zset('purges'), index[1], next_at)
        elseif index[3] then
            M.rem(M.zset('purges'), index[1])
        end
    end
end

local AGAIN = 60000000
local function whole(tree)
    for _, one in ipairs(tree) do
        if not M.finished(one) or one.dead or one.mark then
            return false
        end
    end
    return true
end

local function purge_tree(r, room)
    local tree = M.below(r, M.SMALL_TREE)
    if not whole(tree) then
        if M.goes_at(r) <= now then
            r.again_at = now + AGAIN
        end
        return 0
    end
    if #tree > room then
        r.mark = { cancel = '', remove = true, keep_keys = true }
        return 0
    end
    for i = #tree, 1, -1 do
        M.delete(tree[i], true)
    end
    return #tree
end

-- The oldest succeeded roots of a task beyond the number that its newest one keeps.
local function beyond(task, most)
    local total, last, heads = 0, nil, {}
    for _, number in ipairs(call('ZRANGE', P .. ':termsof:' .. task, 0, 1000)) do
        for _, kind in ipairs({ '', ':root' }) do
            local name = 'over:s:' .. number .. kind
            local newest = call('ZREVRANGE', P .. ':' .. name, 0, 0, 'WITHSCORES')
            if newest[1] then
                total = total + call('ZCARD', P .. ':' .. name)
                insert(heads, name)
                if not last or tonumber(newest[2]) > last[2] then
                    last = { number, tonumber(newest[2]) }
                end
            end
        end
    end
    local excess = last and math.min(total - M.term(last[1]).newest, most) or 0
    local oldest, done = {}, 0
    for _, name in ipairs(excess > 0 and heads or {}) do
        for _, one in ipairs(M.range(M.zset(name), excess)) do
            insert(oldest, one)
        end
    end
    table.sort(oldest, function(a, b)
        return a[2] < b[2]
    end)
    for i = 1, math.min(excess, #oldest) do
        local r = M.row(oldest[i][1])
        if r and done < most then
            done = done + purge_tree(r, most - done)
        end
    end
    return done
end

local function purge()
    local found, done = {}, 0
    lone(found, left)
    for _, one in ipairs(M.range(M.zset('trees'), left, now)) do
        insert(found, { M.row(one[1]), one[2] })
    end
    table.sort(found, function(a, b)
        return a[2] < b[2] or (a[2] == b[2] and a[1].no < b[1].no)
    end)
    for i = 1, math.min(#found, left) do -- as many are looked at as may go
        local r = found[i][1]
        if done < left and not r.deleted then
            done = done + purge_tree(r, left - done)
        end
    end
    postpone()
    local from = M.hget('tending', 'task')
    local tasks = call('ZRANGEBYLEX', P .. ':tasks', from and '(' .. from or '-', '+', 'LIMIT', 0, 20)
    for _, task in ipairs(tasks) do
        if done < left then
            done = done + beyond(task, left - done)
        end
    end
    M.hset('tending', 'task', #tasks == 20 and tasks[20] or nil)
    for _, one in ipairs(M.range(M.zset('keys'), 100, now)) do
        M.rem(M.zset('keys'), one[1])
        M.later('UNLINK', P .. ':key:' .. one[1])
    end
    return done
end

local tended_at = tonumber(M.hget('tending', 'at') or nil)
local quarantine = tonumber(M.hget('tending', 'until') or nil)
if tended_at and now - tended_at > A.gap then
    quarantine = now + A.hold
    M.hset('tending', 'until', string.format('%.0f', quarantine))
end
M.hset('tending', 'at', string.format('%.0f', now))

local held_back, done = 0, {}
local purges = false
for i, work in ipairs({ rescue, promote, expire, cascade, purge }) do
    again = again or (i == 5 and M.marked) or false
    purges = i == 5 and A.purge and not again
    if i == 5 and not purges then
        done[5] = 0
    elseif i == 1 and quarantine and quarantine > now then
        held_back = call('ZCOUNT', P .. ':leases', '-inf', now)
        done[1] = 0
    else
        done[i] = work()
        left = left - done[i]
    end
end
for _, name in ipairs(call('ZRANGE', P .. ':sweeps', 0, 4)) do
    M.sweep(name)
    again = true
end
M.commit(true)

-- Seconds until time alone moves something.
local next_at
for _, name in ipairs({ 'leases', 'due', 'ends', 'rates', 'ticks' }) do
    local first = call('ZRANGE', P .. ':' .. name, 0, 0, 'WITHSCORES')
    local at = tonumber(first[2] or nil)
    if at and name == 'leases' and quarantine then
        at = math.max(at, quarantine)
    end
    if at and (not next_at or at < next_at) then
        next_at = at
    end
end
return { done[1], done[2], done[3], done[4], done[5], held_back, next_at and math.max(0, next_at - now) or false, again,
    purges }
