-- End write: changes the generations of the writer's scopes, deletes their values and lifts its fence. Atomic.
--
-- KEYS and ARGV[1..3] as in delete.lua; ARGV[4] how long a generation is kept, in milliseconds.
-- Result: 1. Taking it twice changes the generations twice, which costs a fill and nothing else.

delete_values()
for i = 1, scopes * 2, 2 do
  redis.call('ZREM', KEYS[i], ARGV[1])
  -- From Redis's clock, so that a generation never comes back after Redis was emptied; never less than the last one.
  local generation = now_us
  local last = tonumber(redis.call('GET', KEYS[i + 1]) or 0)
  if last >= generation then
    generation = last + 1
  end
  redis.call('SET', KEYS[i + 1], string.format('%.0f', generation), 'PX', ARGV[4])
end
return 1
