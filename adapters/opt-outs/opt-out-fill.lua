-- Adds members to buckets, or removes them, as one step of a chain.
-- KEYS: the chain, then buckets. ARGV: expected link, next link, lifetime of the chain in ms, SADD or SREM; then per bucket: how many members,
-- the members. Returns 0 where the chain is broken.
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
local at = 5
for i = 2, #KEYS do
  local count = tonumber(ARGV[at])
  for m = at + 1, at + count do redis.call(ARGV[4], KEYS[i], ARGV[m]) end
  at = at + 1 + count
end
return 1
