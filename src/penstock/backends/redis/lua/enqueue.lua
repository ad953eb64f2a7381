-- parts: start
-- Store plain runs: newcomers of their queues. KEYS: meta, serial, counts, terms, termno, then a list and a bell for each
-- term's queue, then the runs. ARGV[3]: how many terms; then each term and its queue; ARGV[..]: which term each run has, a
-- byte each; then options and input of each. Answers with the indexes of those that were there already.
local T = tonumber(ARGV[3])
local number = #KEYS == 9 and T == 1 and call('HGET', KEYS[5], ARGV[4])
if number then -- one run of a known term, as most are: what follows, without the lists that many need
    local key = KEYS[8]
    if call('EXISTS', key) > 0 then
        return { 0 }
    end
    local place = struct.pack('>I6', call('INCRBY', KEYS[2], 1))
    call('SET', key, 'q\0' .. struct.pack('>I3', number) .. place .. struct.pack('>I7I2', now, #ARGV[7]) .. ARGV[7] .. ARGV[8])
    call('RPUSH', KEYS[6], '\16' .. place .. key:sub(#P + 2))
    call('ZADD', KEYS[7], 0, '1')
    call('HINCRBY', KEYS[3], 'q' .. ARGV[5], 1)
    return {}
end
local numbers, created, entries = {}, {}, {}
local first = 5 + 2 * T -- before the keys of runs
local data = 3 + 2 * T
local which = ARGV[data + 1]
data = data + 1
local n = #which

for t = 1, T do
    local number = tonumber(call('HGET', KEYS[5], ARGV[2 + 2 * t]) or nil)
    numbers[t], created[t], entries[t] = number, 0, {}
end
local there = call('EXISTS', unpack(KEYS, first + 1, first + n)) > 0
local tasks = {}
for t = 1, T do
    if not numbers[t] then
        tasks[t] = cmsgpack.unpack(ARGV[2 + 2 * t])[1]
        call('EXISTS', P .. ':tasks', P .. ':termsof:' .. tasks[t]) -- met before anything is written
    end
end
for t, task in pairs(tasks) do
    local text = ARGV[2 + 2 * t]
    numbers[t] = call('HLEN', KEYS[4]) + 1
    call('HSET', KEYS[5], text, numbers[t])
    call('HSET', KEYS[4], numbers[t], text)
    call('ZADD', P .. ':termsof:' .. task, 0, numbers[t])
    call('ZADD', P .. ':tasks', 0, task)
end
local rank = call('INCRBY', KEYS[2], n) - n
local known, records, m = {}, {}, 0
local skip = #P + 2
local heads, moment = {}, struct.pack('>I7', now)
for t = 1, T do
    heads[t] = 'q\0' .. struct.pack('>I3', numbers[t])
end
for i = 1, n do
    local key = KEYS[first + i]
    local t = which:byte(i)
    local options = ARGV[data + 2 * i - 1]
    rank = rank + 1
    local place = struct.pack('>I6', rank)
    local size = options == '' and '\0\0' or struct.pack('>I2', #options)
    local record = heads[t] .. place .. moment .. size .. options .. ARGV[data + 2 * i]
    if there and not call('SET', key, record, 'NX') then
        known[#known + 1] = i - 1
    else
        m = m + 2
        records[m - 1], records[m] = key, record
        created[t] = created[t] + 1
        entries[t][created[t]] = '\16' .. place .. key:sub(skip)
    end
end
if not there then
    call('MSET', unpack(records))
end
for t = 1, T do
    if created[t] > 0 then
        call('RPUSH', KEYS[4 + 2 * t], unpack(entries[t]))
        call('ZADD', KEYS[5 + 2 * t], 0, '1')
        call('HINCRBY', KEYS[3], 'q' .. ARGV[3 + 2 * t], created[t])
    end
end
return known
