-- Begin write: invalidates the writer's scopes and puts its fence on them. Atomic.
--
-- KEYS and ARGV[1..3] as in invalidate.lua; ARGV[4] how long the fence stands at most, in milliseconds.
-- Result: how many entries the indexes still name. Taking it twice with one token is the same as taking it once.

local left = invalidate()
local deadline = now_ms + tonumber(ARGV[4])
for i = 2, scopes * 5, 5 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now_ms)
  redis.call('ZADD', KEYS[i], deadline, ARGV[1])
  -- The set lives as long as its last fence.
  local last = redis.call('ZREVRANGE', KEYS[i], 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[i], last[2])
end
return left
