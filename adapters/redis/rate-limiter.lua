-- Takes tokens from a bucket that refills by this server's clock: the same as takeTokens() in adapters/redis/rate-bucket.ts, for all pods.
-- A missing bucket is full: its key expires when it would be.
-- KEYS: the bucket. ARGV: tokens per ms, capacity, lifetime in ms; then per class, the highest first, how many are wanted and how many must remain.
-- Returns how many each class got, then ms until the next one could be granted.
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call("HMGET", KEYS[1], "tokens", "at")
-- A clock that went back, after a failover, neither adds nor removes tokens.
local gathered = tonumber(held[1] or capacity) + math.max(0, now - tonumber(held[2] or now)) * rate
local tokens = math.min(capacity, gathered)
local answer, wait = {}, 0
for i = 4, #ARGV, 2 do
  local wanted, left = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local taken = math.max(0, math.min(wanted, math.floor(tokens - left)))
  tokens = tokens - taken
  if taken < wanted and wait == 0 then wait = math.ceil((1 + left - tokens) / rate) end
  answer[#answer + 1] = taken
end
answer[#answer + 1] = wait
redis.call("HSET", KEYS[1], "tokens", string.format("%.6f", tokens), "at", string.format("%.3f", now))
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return answer
