-- parts: start model
-- What is paused: queues and tasks by name, keys of limits; schedules that are.
local found = call('HKEYS', P .. ':paused')
local list = call('HGETALL', P .. ':schedules')
for i = 1, #list, 2 do
    if unpack_(list[i + 1])[6] then
        insert(found, 'schedule:' .. list[i])
    end
end
return found
