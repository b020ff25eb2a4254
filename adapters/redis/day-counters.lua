-- Adds to the counters of several notifications, each all or nothing.
-- KEYS: for each notification the hash of its app's day. ARGV: for each notification the lifetime of its hash in ms and the number of its entries,
-- and for each entry the counter's name, what to add, and the maximum. A negative number is always added.
-- Returns for each notification 0 where it was added, else the number of the first entry that has no room.
local answer, at = {}, 1
for i, key in ipairs(KEYS) do
  local entries = tonumber(ARGV[at + 1])
  local first, full = at + 2, 0
  for e = 1, entries do
    local name, count, max = ARGV[first + 3 * e - 3], tonumber(ARGV[first + 3 * e - 2]), tonumber(ARGV[first + 3 * e - 1])
    local before = tonumber(redis.call("HGET", key, name) or 0)
    if full == 0 and count > 0 and before + count > max then full = e end
  end
  if full == 0 then
    for e = 1, entries do redis.call("HINCRBY", key, ARGV[first + 3 * e - 3], ARGV[first + 3 * e - 2]) end
    redis.call("PEXPIRE", key, ARGV[at])
  end
  answer[#answer + 1] = full
  at = first + 3 * entries
end
return answer
