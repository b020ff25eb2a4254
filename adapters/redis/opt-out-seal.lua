-- Declares buckets complete, but only those that still hold the rebuild's mark: a bucket without it was lost during the rebuild.
-- KEYS: buckets. ARGV: the rebuild's mark, the sentinel. Returns how many were sealed.
local sealed = 0
for i = 1, #KEYS do
  if redis.call("SREM", KEYS[i], ARGV[1]) == 1 then
    redis.call("SADD", KEYS[i], ARGV[2])
    sealed = sealed + 1
  end
end
return sealed
