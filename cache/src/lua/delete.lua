-- Shared head of begin_write.lua and end_write.lua.
--
-- KEYS, in this order: for each scope its fence set and its generation; then the indexes; then single value keys.
-- ARGV[1] the writer's token, ARGV[2] the number of scopes, ARGV[3] the number of indexes.

local scopes = tonumber(ARGV[2])
local indexes = tonumber(ARGV[3])
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now_ms = math.floor(now_us / 1000)

-- Deletes every value that the scopes make stale. It comes first in both scripts: Redis lets a script that has already
-- written go on when memory is full, and a delete is never refused for lack of it.
local function delete_values()
  for i = scopes * 2 + indexes + 1, #KEYS do
    redis.call('DEL', KEYS[i])
  end
  for i = scopes * 2 + 1, scopes * 2 + indexes do
    local keys = redis.call('ZRANGE', KEYS[i], 0, -1)
    for first = 1, #keys, 1000 do
      redis.call('DEL', unpack(keys, first, math.min(first + 999, #keys)))
    end
    redis.call('DEL', KEYS[i])
  end
end
