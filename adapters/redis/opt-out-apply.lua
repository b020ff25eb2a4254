-- Applies newer versions of subjects. A version older than the last one applied is skipped, so that changes may arrive in any order.
-- KEYS: per subject its bucket and its version key.
-- ARGV: lifetime of version keys in ms; then per subject: version, how many members to add, how many to remove, the members.
local at = 2
for i = 1, #KEYS, 2 do
  local version, adds, removes = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  local seen = redis.call("GET", KEYS[i + 1])
  if not seen or tonumber(seen) <= tonumber(version) then
    redis.call("SET", KEYS[i + 1], version, "PX", ARGV[1])
    for m = at, at + adds - 1 do redis.call("SADD", KEYS[i], ARGV[m]) end
    for m = at + adds, at + adds + removes - 1 do redis.call("SREM", KEYS[i], ARGV[m]) end
  end
  at = at + adds + removes
end
