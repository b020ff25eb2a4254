-- Adds the consents of subjects to buckets that are being filled, as one step of a chain; not those of a subject with an unconfirmed change, which may
-- withdraw them. KEYS: the chain; then per subject its bucket and the set of its unconfirmed changes. ARGV: expected link, next link, lifetime of
-- the chain in ms; then per subject: how many members, the members. Returns 0 where the chain is broken.
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
local at = 4
for i = 2, #KEYS, 2 do
  local count = tonumber(ARGV[at])
  if redis.call("EXISTS", KEYS[i + 1]) == 0 then
    for m = at + 1, at + count do redis.call("SADD", KEYS[i], ARGV[m]) end
  end
  at = at + 1 + count
end
return 1
