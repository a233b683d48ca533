-- Hello: the first step on every new connection, once for each space. Atomic.
--
-- A Redis that comes back with older contents (a snapshot, a replica that became the primary) may hold values together
-- with the very generations that they were filled under. Its run id differs from the one that is noted beside the keys.
-- Then every generation of the space's groups goes before anything is read, and with them every value of the space.
--
-- KEYS[1] the noted run id; then the generations of the space's groups. ARGV[1] how long the note is kept, in
-- milliseconds.
-- An error where this is a replica: what it holds may be older than what the primary has acknowledged.
-- Result: {now, 1, ''}   the run id is the noted one; now is Redis's clock in milliseconds
--         {now, 2, ''}   it is not, and the generations are gone
--         {now, 3, why}  it cannot be asked for (`INFO` is not permitted)

local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)

local info = redis.pcall('INFO', 'server')
if type(info) == 'table' and info.err then
  return {now_ms, 3, info.err}
end
local run_id = string.match(info, 'run_id:(%w+)')
if not run_id then
  return {now_ms, 3, 'INFO server names no run_id'}
end

local status = 1
if redis.call('MGET', KEYS[1])[1] ~= run_id then
  -- First, and not by `pcall`: where it is refused the connection must not be read from.
  for i = 2, #KEYS do
    redis.call('DEL', KEYS[i])
  end
  status = 2
end
-- A Redis that is full refuses this. Then the next connection costs the space its values once more, and nothing else.
local noted = redis.pcall('SET', KEYS[1], run_id, 'PX', ARGV[1])
if noted.err and string.find(noted.err, 'READONLY', 1, true) then
  return noted
end
return {now_ms, status, ''}
