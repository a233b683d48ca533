-- Begin write: invalidates the writer's scopes and puts its fence on them. Atomic.
--
-- KEYS and ARGV[1..4] as in invalidate.lua; ARGV[5] how long the fence stands at most, in milliseconds.
-- Result: how many entries the indexes still name. Taking it twice with one token is the same as taking it once.

local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local deadline = now_ms + tonumber(ARGV[5])
local left = invalidate()
for i = 2, scopes * 5, 5 do
  -- The set lives as long as its last fence. Nearly always that is this one, and there is no other.
  local last = redis.call('ZREVRANGE', KEYS[i], 0, 0, 'WITHSCORES')[2]
  if last then
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now_ms)
  end
  redis.call('ZADD', KEYS[i], deadline, ARGV[1])
  redis.call('PEXPIREAT', KEYS[i], math.max(deadline, tonumber(last or 0)))
end
return left
