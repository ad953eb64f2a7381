-- Terms, what the runs of a task have in common; and the numbers that only grow: the order of runs, ranks, finishes.

-- Numbers that only grow: the order of runs, ranks, finishes.
function M.serial()
    if not serial then
        serial = tonumber(call('GET', P .. ':serial') or 0)
        serial_before = serial
    end
    serial = serial + 1
    return serial
end

-- Terms: what the runs of a task have in common.
local terms = {}
function M.term(number)
    local term = terms[number]
    if not term then
        local t = unpack_(call('HGET', P .. ':terms', number))
        term = {
            task = t[1], queue = t[2], version = t[3], crashes = t[4], siblings = t[5], succeeded = t[6], failed = t[7],
            newest = t[8], dead_letter = t[9] or nil, on_success = t[10] or nil, on_failure = t[11] or nil,
            lifo = t[12], number = number,
        }
        terms[number] = term
    end
    return term
end

function M.of(r)
    return M.term(r.term)
end

local fresh_terms, made = {}, nil
function M.term_number(text)
    local number = fresh_terms[text] or tonumber(call('HGET', P .. ':termno', text) or nil)
    if not number then
        made = (made or tonumber(call('HLEN', P .. ':terms'))) + 1
        number = made
        M.later('HSET', P .. ':termno', text, number)
        M.later('HSET', P .. ':terms', number, text)
        local t = unpack_(text)
        M.later('ZADD', P .. ':termsof:' .. t[1], 0, number)
        M.later('ZADD', P .. ':tasks', 0, t[1])
        terms[number] = {
            task = t[1], queue = t[2], version = t[3], crashes = t[4], siblings = t[5], succeeded = t[6], failed = t[7],
            newest = t[8], dead_letter = t[9] or nil, on_success = t[10] or nil, on_failure = t[11] or nil,
            lifo = t[12], number = number, text = text,
        }
    end
    fresh_terms[text] = number
    return number
end
