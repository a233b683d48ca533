-- Shared head of begin_write.lua and end_write.lua.
--
-- KEYS, in this order: for each scope its generation, its fence set, and value, stamp and kept copy of the entry of its
-- name; then the indexes.
-- ARGV[1] the writer's token, ARGV[2] the number of scopes, ARGV[3] the first part of the keys of the entries that the
-- indexes name, ARGV[4] how many entries go of an index that the two calls of a write cannot empty.

-- How many of the entries that an index names a call deletes at most, each with three keys. The rest is left to the next
-- write, or to its TTL: the generation that it was filled under is gone, so nobody can read it.
local MOST = 330

local scopes = tonumber(ARGV[2])

-- Makes every value of the scopes stale by deleting the generations, and deletes the values that are known. Its first write
-- is a delete, of all of it: Redis lets a script that has already written go on when memory is full, and a delete is never
-- refused for lack of it. Each call of Redis costs as much as a dozen keys, so there is one for all. Returns how many entries
-- the indexes still name.
local function invalidate()
  local stale = {}
  for i = 1, scopes * 5 do
    if i % 5 ~= 2 then
      stale[#stale + 1] = KEYS[i]
    end
  end
  -- How many of an index go, of the indexes that keep some.
  local partly = {}
  for i = scopes * 5 + 1, #KEYS do
    local count = redis.call('ZCARD', KEYS[i])
    local most = MOST
    if count > 2 * MOST then
      most = math.min(MOST, tonumber(ARGV[4]))
    end
    -- Those that would live longest.
    local names = count > 0 and redis.call('ZREVRANGE', KEYS[i], 0, most - 1) or {}
    for _, name in ipairs(names) do
      stale[#stale + 1] = ARGV[3] .. ':' .. name
      stale[#stale + 1] = ARGV[3] .. ':~stamp:' .. name
      stale[#stale + 1] = ARGV[3] .. ':~kept:' .. name
    end
    if #names < most then
      stale[#stale + 1] = KEYS[i]
    else
      partly[KEYS[i]] = #names
    end
  end
  redis.call('UNLINK', unpack(stale))
  local left = 0
  for index, gone in pairs(partly) do
    if gone > 0 then
      redis.call('ZREMRANGEBYRANK', index, -gone, -1)
    end
    left = left + redis.call('ZCARD', index)
  end
  return left
end
