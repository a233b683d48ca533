-- Begin write: puts the writer's fence on its scopes and deletes their values. Atomic.
--
-- KEYS and ARGV[1..3] as in delete.lua; ARGV[4] how long the fence stands at most, in milliseconds.
-- Result: 1. Taking it twice with one token is the same as taking it once.

delete_values()
local deadline = now_ms + tonumber(ARGV[4])
for i = 1, scopes * 2, 2 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now_ms)
  redis.call('ZADD', KEYS[i], deadline, ARGV[1])
  -- The set lives as long as its last fence.
  local last = redis.call('ZREVRANGE', KEYS[i], 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[i], last[2])
end
return 1
