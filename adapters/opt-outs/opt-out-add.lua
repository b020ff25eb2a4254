-- Adds the opt-outs of a change that is about to be stored, removes the consents that it withdraws, and notes the change as unconfirmed.
-- KEYS: the bucket, the set of the subject's unconfirmed changes. ARGV: the change, lifetime of the note in ms, how many members to add, the members
-- to add, those to remove.
local adds = tonumber(ARGV[3])
for m = 4, 3 + adds do redis.call("SADD", KEYS[1], ARGV[m]) end
for m = 4 + adds, #ARGV do redis.call("SREM", KEYS[1], ARGV[m]) end
redis.call("SADD", KEYS[2], ARGV[1])
redis.call("PEXPIRE", KEYS[2], ARGV[2])
