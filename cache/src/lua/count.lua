-- Count: one more request of a caller within its window. Atomic.
--
-- KEYS[1] the caller's count. ARGV[1] the window, in milliseconds, which begins with the first request.
-- Result: {how many requests that makes, what is left of the window in milliseconds}

local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
