-- Declares buckets complete, but only those that still hold the rebuild's mark: a bucket without it was lost during the rebuild. Seals none
-- where the chain is broken: then a member may be missing although the mark is there.
-- KEYS: the chain, then buckets. ARGV: expected link, the rebuild's mark, the sentinel. Returns how many were sealed; -1: the chain is broken.
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return -1 end
local sealed = 0
for i = 2, #KEYS do
  if redis.call("SREM", KEYS[i], ARGV[2]) == 1 then
    redis.call("SADD", KEYS[i], ARGV[3])
    sealed = sealed + 1
  end
end
return sealed
