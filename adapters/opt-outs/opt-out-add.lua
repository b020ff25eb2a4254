-- Adds the members of a change that is about to be stored, and notes the change as unconfirmed.
-- KEYS: the bucket, the set of the subject's unconfirmed changes. ARGV: the change, lifetime of the note in ms, the members.
for m = 3, #ARGV do redis.call("SADD", KEYS[1], ARGV[m]) end
redis.call("SADD", KEYS[2], ARGV[1])
redis.call("PEXPIRE", KEYS[2], ARGV[2])
