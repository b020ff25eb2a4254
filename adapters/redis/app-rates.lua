-- Takes tokens from the buckets of several apps by this server's clock: the same as takeFrom() in core/quotas/bucket.ts, for all gateways.
-- A missing bucket is full: its key expires when it would be.
-- KEYS: the buckets. ARGV, for each: tokens per ms, capacity, how many are charged in any case (negative: given back), how many are wanted.
-- Returns for each how many were granted, then ms until the others are there.
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000
local answer = {}
for i, key in ipairs(KEYS) do
  local rate, capacity = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local charged, wanted = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local held = redis.call("HMGET", key, "tokens", "at")
  -- A clock that went back, after a failover, neither adds nor removes tokens.
  local gathered = tonumber(held[1] or capacity) + math.max(0, now - tonumber(held[2] or now)) * rate
  local tokens = math.min(capacity, math.min(capacity, gathered) - charged)
  local granted = math.max(0, math.min(wanted, math.floor(tokens)))
  tokens = tokens - granted
  local missing, wait = math.min(wanted - granted, capacity), 0
  if missing > 0 then wait = math.max(1, math.ceil((missing - tokens) / rate)) end
  answer[#answer + 1] = granted
  answer[#answer + 1] = wait
  redis.call("HSET", key, "tokens", string.format("%.6f", tokens), "at", string.format("%.3f", now))
  redis.call("PEXPIRE", key, math.ceil((capacity - tokens) / rate) + 1000)
end
return answer
