-- What every script begins with: the namespace's prefix, the store's clock, and how keys and entries are spelled.
-- ARGV[1]: the prefix; ARGV[2]: a moment that tests set, or '' for the server's clock.
local call = redis.call
local P, now = ARGV[1], ARGV[2]
if now == '' then
    local t = call('TIME')
    now = t[1] * 1000000 + t[2]
else
    now = tonumber(now)
end
-- A plain run: form, flags, term, rank, enqueued at, length of the options. The form is the letter of its state; in upper
-- case, if fields beside these stand before the options: their length in two bytes, then {number, value, ...}.
local PLAIN = '>c1BI3I6I7I2'
local PARENT, KIND = 28, 73 -- the numbers of these fields
local FAMILY, RANKED, COUNTED = 32, 64, 128 -- flags above how it is watched: has a parent, stands by rank, counts there
local HEAD = 20 -- its length; straight ways cut it by place: term 3 to 5, rank 6 to 11, length 19 and 20
local NEWCOMER = 2001 -- the place of a run of priority 0 that is not woken, see `score_of`
local FIRST = 4503599627370496 -- added to ranks, some of which are negative: 7 bytes, of others the first is 16

-- Ids as users know them, and as they are stored: 16 bytes for a UUID, else '=' and the text.
local function text_of(ref)
    if #ref ~= 16 then
        return (ref:gsub('^=+', ''))
    end
    local hex = ref:gsub('.', function(c)
        return string.format('%02x', c:byte())
    end)
    return hex:sub(1, 8) .. '-' .. hex:sub(9, 12) .. '-' .. hex:sub(13, 16) .. '-' .. hex:sub(17, 20) .. '-' .. hex:sub(21)
end
