-- For each key: set it for the holder if it is free, renew it if the holder has it. 1: the holder has it, 0: another holder has it.
-- KEYS: one per claim. ARGV: holder and lifetime in ms, per claim.
local answers = {}
for i = 1, #KEYS do
  local holder, lifetime = ARGV[2 * i - 1], ARGV[2 * i]
  if redis.call("SET", KEYS[i], holder, "NX", "PX", lifetime) then
    answers[i] = 1
  elseif redis.call("GET", KEYS[i]) == holder then
    redis.call("PEXPIRE", KEYS[i], lifetime)
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers
