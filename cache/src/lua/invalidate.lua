-- Shared head of begin_write.lua and end_write.lua.
--
-- KEYS, in this order: for each scope its generation, its fence set, and value, stamp and kept copy of the entry of its
-- name; then the indexes.
-- ARGV[1] the writer's token, ARGV[2] the number of scopes, ARGV[3] the first part of the keys of the entries that the
-- indexes name.

-- How many keys a call deletes at most. The rest is left to the next write, or to its TTL: it is stale, but nobody can
-- read it without the generation that it was filled under.
local MAX_DELETES = 1000

local scopes = tonumber(ARGV[2])
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Makes every value of the scopes stale by deleting the generations, then deletes the values that are known. It comes
-- first in both scripts: Redis lets a script that has already written go on when memory is full, and a delete is never
-- refused for lack of it. Returns how many entries the indexes still name.
local function invalidate()
  local budget = MAX_DELETES
  for i = 1, scopes * 5, 5 do
    redis.call('DEL', KEYS[i])
    redis.call('UNLINK', KEYS[i + 2], KEYS[i + 3], KEYS[i + 4])
    budget = budget - 4
  end
  local left = 0
  for i = scopes * 5 + 1, #KEYS do
    -- Those that would live longest.
    local most = math.floor(budget / 3)
    local names = most > 0 and redis.call('ZREVRANGE', KEYS[i], 0, most - 1) or {}
    if #names > 0 then
      local keys = {}
      for _, name in ipairs(names) do
        keys[#keys + 1] = ARGV[3] .. ':' .. name
        keys[#keys + 1] = ARGV[3] .. ':~stamp:' .. name
        keys[#keys + 1] = ARGV[3] .. ':~kept:' .. name
      end
      redis.call('UNLINK', unpack(keys))
      redis.call('ZREMRANGEBYRANK', KEYS[i], -#names, -1)
      budget = budget - #keys
    end
    left = left + redis.call('ZCARD', KEYS[i])
  end
  return left
end
