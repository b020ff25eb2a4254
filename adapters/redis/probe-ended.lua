-- Ends a probe, unless it took so long that another one holds the circuit now. KEYS: the circuit's probe. ARGV: its holder.
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0
