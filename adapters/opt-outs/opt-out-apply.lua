-- Applies newer versions of subjects. A version older than the last one applied is skipped, so that changes may arrive in any order.
-- KEYS: the chain; then per subject its bucket, its version key and the set of its unconfirmed changes.
-- ARGV: expected link ("" for none), next link, lifetime of both kinds of keys in ms; then per subject: version, the change that it confirms
-- ("" for none); how many opt-outs to add and to remove, and how many consents to add and to remove; the members, in this order. Returns 0 where the
-- chain is broken.
if ARGV[1] ~= "" then
  if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
end
local at = 4
local function each(command, bucket, count, mayRun)
  if mayRun then
    for m = at, at + count - 1 do redis.call(command, bucket, ARGV[m]) end
  end
  at = at + count
end
for i = 2, #KEYS, 3 do
  local bucket, versionKey, unconfirmed = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local version, confirmed = ARGV[at], ARGV[at + 1]
  local adds, removes = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local consents, withdrawn = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  at = at + 6
  if confirmed ~= "" then redis.call("SREM", unconfirmed, confirmed) end
  local seen = redis.call("GET", versionKey)
  local isNewest = not seen or tonumber(seen) <= tonumber(version)
  if isNewest then redis.call("SET", versionKey, version, "PX", ARGV[3]) end
  -- An unconfirmed change may still be stored, with an opt-out that this one removes, or without a consent that this one adds: then the opt-out
  -- stays, and the consent is missing.
  local isSure = isNewest and redis.call("EXISTS", unconfirmed) == 0
  each("SADD", bucket, adds, isNewest)
  each("SREM", bucket, removes, isSure)
  each("SADD", bucket, consents, isSure)
  each("SREM", bucket, withdrawn, isNewest)
end
return 1
