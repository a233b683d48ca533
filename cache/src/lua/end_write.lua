-- End write: invalidates the writer's scopes once more and lifts its fence. Atomic.
--
-- KEYS and ARGV as in invalidate.lua.
-- Result: how many entries the indexes still name. Taking it twice costs a fill and nothing else.

local left = invalidate()
for i = 2, scopes * 5, 5 do
  redis.call('ZREM', KEYS[i], ARGV[1])
end
return left
