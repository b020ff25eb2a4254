-- Which buckets hold one of some members, in one step, so that one server answers all of it.
-- KEYS: the process's count of sweeps, or one that is not there; then a bucket per question, about opt-outs or about consents. ARGV: the least count, the sentinel, members per
-- question; then the members. Returns a letter per question: u (the bucket is not complete), s (some are there), n (none); or nothing where the
-- server lacks the sweep.
local least = tonumber(ARGV[1])
if least > 0 and tonumber(redis.call("GET", KEYS[1]) or "0") < least then return false end
local sentinel, count = ARGV[2], tonumber(ARGV[3])
local answers = {}
local at = 4
for i = 2, #KEYS do
  local found = redis.call("SMISMEMBER", KEYS[i], sentinel, unpack(ARGV, at, at + count - 1))
  at = at + count
  local answer = "u"
  if found[1] == 1 then
    answer = "n"
    for m = 2, count + 1 do
      if found[m] == 1 then answer = "s" end
    end
  end
  answers[i - 1] = answer
end
return table.concat(answers)
