-- parts: start
-- Which store this is, and its clock.
local found = call('HMGET', P .. ':meta', 'schema', 'store_id', 'namespace')
return { found[1], found[2], found[3], string.format('%.0f', now) }
