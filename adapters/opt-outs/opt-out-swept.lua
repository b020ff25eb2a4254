-- Ends a sweep: everything that was written before the given moment is in the sealed buckets of this server.
-- KEYS: the chain, the time of the last sweep, the sweeper's count. ARGV: expected link, the moment, the count, lifetime of the count in ms.
-- Returns 0 where the chain is broken.
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[2], ARGV[2])
redis.call("SET", KEYS[3], ARGV[3], "PX", ARGV[4])
return 1
