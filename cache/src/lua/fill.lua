-- Fill: stores what the lease holder read from the source, with its stamp, if it is still valid. Atomic.
--
-- KEYS[1] value, KEYS[2] stamp, KEYS[3] kept copy, KEYS[4] lease, KEYS[5] index; then the generations of the scopes, and
-- then their fence sets, in the same order.
-- ARGV[1] the reader's token, ARGV[2] the generations that it took, ARGV[3] `value` or `absent`, ARGV[4] the TTL,
-- ARGV[5] for how much longer a copy is kept (0: not at all), in milliseconds; ARGV[6] how many entries the index may have
-- (0: any number), ARGV[7] the entry's name, ARGV[8] the end of the stamp, ARGV[9] the value.
-- Result: 1 stored, 0 not stored since a write overtook it, 2 not stored since the index is full. The lease is given back
-- in any case but where the script itself ends in an error: then the reader releases it.

-- How long readers neither lead nor wait after a fill that was overtaken: so long that each of those who wait asks once.
-- Where writes come without a pause, all of them would wait in a row for fills that never come.
local COOLDOWN_MS = 100
-- How many expired entries a fill prunes from the index at most: more than it adds.
local PRUNED = 100

local scopes = (#KEYS - 5) / 2
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local expires_ms = now_ms + tonumber(ARGV[4]) + tonumber(ARGV[5])

local function overtaken()
  local found = redis.call('MGET', unpack(KEYS, 6, 5 + scopes))
  for i = 1, scopes do
    if not found[i] then
      return true
    end
  end
  if table.concat(found, ',') ~= ARGV[2] then
    return true
  end
  for i = 6 + scopes, #KEYS do
    if redis.call('ZCOUNT', KEYS[i], '(' .. now_ms, '+inf') > 0 then
      return true
    end
  end
  return false
end

local function full()
  local expired = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now_ms, 'LIMIT', 0, PRUNED)
  if #expired > 0 then
    redis.call('ZREM', KEYS[5], unpack(expired))
  end
  local most = tonumber(ARGV[6])
  return most > 0 and redis.call('ZCARD', KEYS[5]) >= most and not redis.call('ZSCORE', KEYS[5], ARGV[7])
end

-- What Redis says where it refuses, for example because it is full; nothing then.
local function store()
  local stamp = ARGV[2] .. ' ' .. string.format('%.0f', now_ms) .. ' ' .. ARGV[4] .. ' ' .. ARGV[8]
  -- The stamp comes last: it must never stand beside a value that it was not made for.
  if ARGV[3] == 'absent' then
    redis.call('UNLINK', KEYS[1], KEYS[3])
  else
    local answer = redis.pcall('SET', KEYS[1], ARGV[9], 'PX', ARGV[4])
    if answer.err then
      return answer
    end
    if ARGV[5] ~= '0' then
      redis.call('SET', KEYS[3], stamp .. '\n' .. ARGV[9], 'PX', ARGV[4] + ARGV[5])
    end
  end
  redis.call('SET', KEYS[2], stamp, 'PX', ARGV[4])
  -- Recorded with its expiry, so that a write finds it.
  redis.call('ZADD', KEYS[5], expires_ms, ARGV[7])
  local last = redis.call('ZREVRANGE', KEYS[5], 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[5], last[2])
end

local result, refused = 1, nil
if overtaken() then
  result = 0
elseif full() then
  result = 2
else
  refused = store()
end
if redis.call('MGET', KEYS[4])[1] == ARGV[1] then
  if result == 1 then
    redis.call('DEL', KEYS[4])
  else
    redis.call('SET', KEYS[4], 'cooldown', 'PX', COOLDOWN_MS)
  end
end
return refused or result
