"""The shared state of chat in Valkey: what each change does, all at once.

    sockets        hash: socket -> its entry in the client list, as JSON
    groups         hash: group -> number of members
    owners         hash: id ("n" or "t" first) -> the user that holds it
    numbers, drawn hashes: a text id -> the number drawn for it, and back
    people         hash: user -> number of sockets
    of-id:…        set: the sockets of an id
    of-group:…     set: the sockets in a group
    of-process:…   hash: socket of a server process -> "id\\ngroup\\nuser"
    processes      sorted set: server process -> when its sockets lapse
    version        of all this; grows with each change, also over a loss of Valkey
    kept           stream: messages of groups that are not stored yet

A change tells itself to all processes by the channel layer, with its version, in the
order in which changes and messages happened.
"""

LAPSE_MS = 45_000
BUFFER_BYTES = 64 << 20  # of messages that wait to be stored

PRELUDE = (
    f"""
local P, LAPSE, BUFFER = 'madang:chat:', {LAPSE_MS}, {BUFFER_BYTES}
"""
    + """
local function call(command, key, ...)
  return redis.call(command, P .. key, ...)
end

local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- Greater than any before, also where Valkey has forgotten them
local function next_number(key)
  local number, last = micros(), tonumber(call('GET', key) or '0')
  if number <= last then
    number = last + 1
  end
  call('SET', key, string.format('%.0f', number))
  return number
end

local function tell(channel, event)
  redis.call('PUBLISH', channel, cmsgpack.pack(event))
end

local function changed(channel, group, event)
  event.type, event.group = 'chat.changed', group
  event.version = next_number('version')
  tell(channel, event)
  return event.version
end

local function live(process)
  call('ZADD', 'processes', math.floor(micros() / 1000) + LAPSE, process)
end

local function count_group(group)
  local count = call('SCARD', 'of-group:' .. group)
  if count > 0 then
    call('HSET', 'groups', group, count)
  else
    call('HDEL', 'groups', group)
  end
end

local function enter(socket, group)
  if group ~= '' then
    call('SADD', 'of-group:' .. group, socket)
    count_group(group)
  end
end

local function leave(socket, group)
  if group ~= '' then
    call('SREM', 'of-group:' .. group, socket)
    count_group(group)
  end
end

local function record_of(process, socket)
  local record = call('HGET', 'of-process:' .. process, socket)
  if record then
    return string.match(record, '^([^\\n]*)\\n([^\\n]*)\\n(.*)$')
  end
end

-- Returns the id, '' for none; nil when the socket was not there
local function forget(process, socket)
  local id, group, user = record_of(process, socket)
  if not id then
    return nil
  end
  call('HDEL', 'of-process:' .. process, socket)
  call('HDEL', 'sockets', socket)
  leave(socket, group)
  if call('HINCRBY', 'people', user, -1) < 1 then
    call('HDEL', 'people', user)
  end
  if id ~= '' then
    call('SREM', 'of-id:' .. id, socket)
    if call('SCARD', 'of-id:' .. id) == 0 then
      call('HDEL', 'owners', id)
      local text = string.sub(id, 2)
      local number = string.sub(id, 1, 1) == 't' and call('HGET', 'numbers', text)
      if number then
        call('HDEL', 'numbers', text)
        call('HDEL', 'drawn', number)
      end
    end
  end
  return id
end
"""
)

# channel, hub's group, process, socket, kind, id, user, group, entry with \0 for the
# number, then numbers to draw from -> ["held"], ["none free"] or [number, version]
JOIN = (
    PRELUDE
    + """
local channel, hub, process, socket, kind, id, user, group, entry = unpack(ARGV, 1, 9)
local number, held = id, nil
forget(process, socket)  -- when it is told again, after a loss
if kind == 'n' then
  local drawn_for = call('HGET', 'drawn', id)
  held = call('HGET', 'owners', 'n' .. id)
    or (drawn_for and call('HGET', 'owners', 't' .. drawn_for))
elseif kind == 't' then
  held = call('HGET', 'owners', 't' .. id)
end
if held and held ~= user then
  return {'held'}
end
if kind == 't' then
  number = call('HGET', 'numbers', id)
  for index = 10, #ARGV do
    if number then
      break
    end
    local candidate = ARGV[index]
    if call('HEXISTS', 'drawn', candidate) == 0
      and call('HEXISTS', 'owners', 'n' .. candidate) == 0 then
      number = candidate
    end
  end
  if not number then
    return {'none free'}
  end
  call('HSET', 'numbers', id, number)
  call('HSET', 'drawn', number, id)
end
live(process)
if kind ~= '' then
  call('HSET', 'owners', kind .. id, user)
  call('SADD', 'of-id:' .. kind .. id, socket)
end
enter(socket, group)
call('HINCRBY', 'people', user, 1)
local record = kind .. id .. '\\n' .. group .. '\\n' .. user
call('HSET', 'of-process:' .. process, socket, record)
call('HSET', 'sockets', socket, (string.gsub(entry, '%z', number)))
return {number, changed(channel, hub, {joined = socket})}
"""
)

# channel, hub's group, process, socket, group, entry -> version, or 0 when not there
MOVE = (
    PRELUDE
    + """
local channel, hub, process, socket, group, entry = unpack(ARGV)
local id, old, user = record_of(process, socket)
if not id then
  return 0
end
leave(socket, old)
enter(socket, group)
local record = id .. '\\n' .. group .. '\\n' .. user
call('HSET', 'of-process:' .. process, socket, record)
call('HSET', 'sockets', socket, entry)
return changed(channel, hub, {moved = socket, to = group})
"""
)

# channel, hub's group, process, socket
LEAVE = (
    PRELUDE
    + """
local channel, hub, process, socket = unpack(ARGV)
local id = forget(process, socket)
if id then
  changed(channel, hub, {gone = {id}})
end
"""
)

# channel, hub's group -> how many sockets of processes that ended had lapsed
SWEEP = (
    PRELUDE
    + """
local channel, hub = unpack(ARGV)
local gone = {}
local now = math.floor(micros() / 1000)
for _, process in ipairs(call('ZRANGEBYSCORE', 'processes', '-inf', now)) do
  for _, socket in ipairs(call('HKEYS', 'of-process:' .. process)) do
    gone[#gone + 1] = forget(process, socket)
  end
  call('ZREM', 'processes', process)
end
if #gone > 0 then
  changed(channel, hub, {gone = gone})
end
return #gone
"""
)

# process -> [version, its sockets]
REFRESH = (
    PRELUDE
    + """
live(ARGV[1])
local sockets = call('HKEYS', 'of-process:' .. ARGV[1])
return {tonumber(call('GET', 'version') or '0'), sockets}
"""
)

# -> [version, the entries as JSON with commas between, groups and counts in turn]
LISTS = (
    PRELUDE
    + """
return {
  tonumber(call('GET', 'version') or '0'),
  table.concat(call('HVALS', 'sockets'), ','),
  call('HGETALL', 'groups')
}
"""
)

# -> groups and counts in turn
GROUPS = (
    PRELUDE
    + """
return call('HGETALL', 'groups')
"""
)

# group -> the entries of its members
MEMBERS = (
    PRELUDE
    + """
local sockets = call('SMEMBERS', 'of-group:' .. ARGV[1])
local entries = {}
for index, socket in ipairs(sockets) do
  entries[index] = call('HGET', 'sockets', socket)
end
return entries
"""
)

# channel, event, to ("group", "id" or "all"), its name, 1 to keep it -> sockets reached
SAY = (
    PRELUDE
    + """
local channel, packed, to, name, keep = unpack(ARGV)
local event = cmsgpack.unpack(packed)
local reached
if to == 'id' then
  reached = call('SCARD', 'of-id:' .. name)
  local text = reached == 0 and string.sub(name, 1, 1) == 'n'
    and call('HGET', 'drawn', string.sub(name, 2))
  if text then
    name = 't' .. text
    reached = call('SCARD', 'of-id:' .. name)
  end
  if reached == 0 then
    return 0
  end
elseif to == 'group' then
  reached = tonumber(call('HGET', 'groups', name) or '0')
else
  reached = call('HLEN', 'sockets')
end
event.at = name
event.sent_at = micros()
local size = #packed
if keep == '1' and tonumber(call('GET', 'kept-bytes') or '0') + size <= BUFFER then
  event.id = next_number('message')
  event.sent_at = event.id
  local id = string.format('%.0f-0', event.id)
  call('XADD', 'kept', id, 'size', size, 'message', cmsgpack.pack(event))
  call('INCRBY', 'kept-bytes', size)
end
tell(channel, event)
return reached
"""
)

# pairs of an id in the stream and the size of what stands there
STORED = (
    PRELUDE
    + """
local freed = 0
for index = 1, #ARGV, 2 do
  if call('XDEL', 'kept', ARGV[index]) == 1 then
    freed = freed + ARGV[index + 1]
  end
end
if call('XLEN', 'kept') == 0 then
  call('DEL', 'kept-bytes')
elseif freed > 0 then
  call('DECRBY', 'kept-bytes', freed)
end
"""
)
