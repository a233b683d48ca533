-- Fill: stores what the lease holder read from the store, if it is still true. Atomic.
--
-- KEYS[1] value, KEYS[2] absent mark, KEYS[3] lease, KEYS[4] index; then for each scope its generation and fence set.
-- ARGV[1] the reader's token, ARGV[2] `value` or `absent`, ARGV[3] the TTL, ARGV[4] Redis's clock when the generations
-- were taken, ARGV[5] how long after that a fill may come, ARGV[6] the value; in milliseconds; then the generations.
-- Result: 1 stored, 0 not stored. The lease is given back either way.

-- How long readers do not follow one another after a fill that was overtaken by a write: so long that each of those who
-- follow looks once. Where writes come without a pause, all of them would wait in a row for fills that never come.
local COOLDOWN_MS = 100

local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function still_valid()
  -- A fence stands for longer than any fill may take; one that comes later could slip past a fence that has expired.
  if now_ms - tonumber(ARGV[4]) > tonumber(ARGV[5]) then
    return false
  end
  for i = 5, #KEYS, 2 do
    if redis.call('GET', KEYS[i]) ~= ARGV[7 + (i - 5) / 2] then
      return false
    end
    if redis.call('ZCOUNT', KEYS[i + 1], '(' .. now_ms, '+inf') > 0 then
      return false
    end
  end
  return true
end

local stored = 0
local refused
if still_valid() then
  local key, other, content = KEYS[1], KEYS[2], ARGV[6]
  if ARGV[2] == 'absent' then
    key, other, content = KEYS[2], KEYS[1], ''
  end
  local answer = redis.pcall('SET', key, content, 'PX', ARGV[3])
  if answer.err then
    refused = answer
  else
    redis.call('DEL', other)
    -- Recorded with its expiry, so that a write finds it; what has expired is pruned here.
    redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now_ms)
    redis.call('ZADD', KEYS[4], now_ms + tonumber(ARGV[3]), key)
    local last = redis.call('ZREVRANGE', KEYS[4], 0, 0, 'WITHSCORES')
    redis.call('PEXPIREAT', KEYS[4], last[2])
    stored = 1
  end
end
if redis.call('GET', KEYS[3]) == ARGV[1] then
  if stored == 1 or refused then
    redis.call('DEL', KEYS[3])
  else
    redis.call('SET', KEYS[3], 'cooldown', 'PX', COOLDOWN_MS)
  end
end
return refused or stored
