-- Finds the buckets that are not complete.
-- KEYS: buckets. ARGV: the sentinel. Returns their places among the keys, the first of which is 1.
local unsealed = {}
for i = 1, #KEYS do
  if redis.call("SISMEMBER", KEYS[i], ARGV[1]) == 0 then unsealed[#unsealed + 1] = i end
end
return unsealed
