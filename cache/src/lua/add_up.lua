-- Add up: adds to counters that several processes share. Atomic.
--
-- KEYS[1] the counters, a hash. ARGV[1] how long they are kept after the last addition, in milliseconds; ARGV[2] `1` where
-- all of them are asked for; then a counter's name and what is added to it, in turn.
-- Taken twice, where the answer to the first try was lost, it adds twice: that is not worth a key that would stop it.
-- Result: the names and values of all counters, in turn, where they are asked for; otherwise nothing.

for i = 3, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
if #ARGV > 2 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return ARGV[2] == '1' and redis.call('HGETALL', KEYS[1]) or {}
