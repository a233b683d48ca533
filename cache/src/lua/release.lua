-- Release: gives a lease back without filling. Atomic.
--
-- KEYS[1] lease. ARGV[1] the reader's token, ARGV[2] for how long nobody is to lead or to wait then, in milliseconds; 0
-- where the next reader may lead at once.
-- Result: 1 released, 0 it was another reader's by now, or gone.

if redis.call('MGET', KEYS[1])[1] ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], 'cooldown', 'PX', ARGV[2])
end
return 1
