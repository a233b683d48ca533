-- Acquire: what a reader does after a miss. Atomic.
--
-- KEYS[1] value, KEYS[2] absent mark, KEYS[3] lease; then for each scope its generation and its fence set.
-- ARGV[1] the reader's token, ARGV[2] the lease's time, ARGV[3] how long a generation is kept; in milliseconds.
-- Result, one of:
--   {1, value}                    the value has come since the miss
--   {2}                           the document is known not to exist
--   {3, now, generation, …}       the reader has the lease; now is Redis's clock in milliseconds
--   {4}                           another reader has the lease
--   {5}                           a write is in flight on one of the scopes, or overtook the last reader

local value = redis.call('GET', KEYS[1])
if value then
  return {1, value}
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return {2}
end

local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now_ms = math.floor(now_us / 1000)
for i = 5, #KEYS, 2 do
  if redis.call('ZCOUNT', KEYS[i], '(' .. now_ms, '+inf') > 0 then
    return {5}
  end
end

if not redis.call('SET', KEYS[3], ARGV[1], 'NX', 'PX', ARGV[2]) then
  local holder = redis.call('GET', KEYS[3])
  if holder == 'cooldown' then
    return {5}
  end
  -- A reader that lost the answer asks again with the same token, and has its lease still.
  if holder ~= ARGV[1] then
    return {4}
  end
end

local result = {3, now_ms}
for i = 4, #KEYS, 2 do
  local generation = redis.call('GET', KEYS[i])
  if generation then
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  else
    -- Made here, not assumed to be zero: a fill that had found none would match a Redis that was emptied since.
    generation = string.format('%.0f', now_us)
    redis.call('SET', KEYS[i], generation, 'PX', ARGV[3])
  end
  result[#result + 1] = tonumber(generation)
end
return result
