-- Acquire: what a reader does after a miss. Atomic.
--
-- KEYS[1] value, KEYS[2] stamp, KEYS[3] lease; then the generations of the scopes, and then their fence sets, in the
-- same order.
-- ARGV[1] the reader's token, ARGV[2] how long the lease lasts, ARGV[3] how long a generation is kept, in milliseconds;
-- ARGV[4] a number that was never used before, for generations that are missing.
-- Result, one of:
--   {1, value, stamp}             the value has come since the miss
--   {2, '', stamp}                it is known not to exist
--   {3, now, generations}         the reader has the lease; now is Redis's clock in milliseconds
--   {4}                           another reader has the lease
--   {5}                           a write is in flight on one of the scopes, or the last reader could not fill

local scopes = (#KEYS - 3) / 2
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- `MGET` takes a key of another type for a missing one, so that a foreign key costs no more than a miss.
local found = redis.call('MGET', unpack(KEYS, 1, 3 + scopes))
local value, stamp, holder = found[1], found[2], found[3]

local generations = {}
local complete = true
for i = 1, scopes do
  generations[i] = found[3 + i]
  complete = complete and generations[i]
end

if stamp and complete then
  local prefix = table.concat(generations, ',') .. ' '
  if string.sub(stamp, 1, #prefix) == prefix then
    if string.match(stamp, '^%S+ %S+ %S+ (%S+)') == '-' then
      return {2, '', stamp}
    end
    if value then
      return {1, value, stamp}
    end
  end
end

for i = 4 + scopes, #KEYS do
  if redis.call('ZCOUNT', KEYS[i], '(' .. now_ms, '+inf') > 0 then
    return {5}
  end
end

if holder == 'cooldown' then
  return {5}
end
-- A reader that lost the answer asks again with the same token, and still has its lease.
if holder and holder ~= ARGV[1] then
  return {4}
end
if not holder then
  redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
end

for i = 1, scopes do
  if generations[i] then
    redis.call('PEXPIRE', KEYS[3 + i], ARGV[3])
  else
    -- Made here and nowhere else. Whatever makes a value stale deletes its generation, and a new one never equals an
    -- old one: so a fill that took the old one is refused for good, and Redis may drop a generation at any time.
    generations[i] = ARGV[4]
    redis.call('SET', KEYS[3 + i], ARGV[4], 'PX', ARGV[3])
  end
end
return {3, now_ms, table.concat(generations, ',')}
