-- parts: start
-- Make the namespace, if there is none; which store it is, and of what schema.
-- ARGV[3]: the schema's version; ARGV[4]: an id for a new store; ARGV[5]: the namespace.
local name = P .. ':meta'
if call('EXISTS', name) == 0 then
    call('HSET', name, 'schema', ARGV[3], 'store_id', ARGV[4], 'namespace', ARGV[5])
end
return call('HMGET', name, 'schema', 'store_id', 'namespace')
