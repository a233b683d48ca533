-- Release: gives a lease back without filling. Atomic.
--
-- KEYS[1] lease. ARGV[1] the reader's token.
-- Result: 1 released, 0 it was somebody else's by now, or nobody's.

if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
