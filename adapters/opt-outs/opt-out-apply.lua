-- Applies newer versions of subjects. A version older than the last one applied is skipped, so that changes may arrive in any order.
-- KEYS: the chain; then per subject its bucket, its version key and the set of its unconfirmed changes.
-- ARGV: expected link ("" for none), next link, lifetime of both kinds of keys in ms; then per subject: version, the change that it confirms
-- ("" for none), how many members to add, how many to remove, the members. Returns 0 where the chain is broken.
if ARGV[1] ~= "" then
  if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
  redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
end
local at = 4
for i = 2, #KEYS, 3 do
  local bucket, versionKey, unconfirmed = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local version, confirmed, adds, removes = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  at = at + 4
  if confirmed ~= "" then redis.call("SREM", unconfirmed, confirmed) end
  local seen = redis.call("GET", versionKey)
  if not seen or tonumber(seen) <= tonumber(version) then
    redis.call("SET", versionKey, version, "PX", ARGV[3])
    for m = at, at + adds - 1 do redis.call("SADD", bucket, ARGV[m]) end
    -- An unconfirmed change may still be stored, with a member that this one removes: then it stays.
    if redis.call("EXISTS", unconfirmed) == 0 then
      for m = at + adds, at + adds + removes - 1 do redis.call("SREM", bucket, ARGV[m]) end
    end
  end
  at = at + adds + removes
end
return 1
