
-- ARGV: the seq and the tag of a place, how many entries at most, how old in seconds a beat may be.
primary()
local now = redis.call('HMGET', head, 'seq', 'tag', 'beat')
local from = ARGV[1]
if tonumber(from) > tonumber(now[1]) then
	return {'regressed'}
end
-- The last place up to that one. If there is none, the trail has been trimmed.
local known = redis.call('XREVRANGE', trail, from .. '-0', '-', 'COUNT', 1)[1]
if not known then
	return {'gap'}
end
if known[1] ~= from .. '-0' or known[2][2] ~= ARGV[2] then
	return {'regressed'}
end

-- A server that cannot write this is not to be believed. A clock may also go back.
local clock = redis.call('TIME')[1]
if math.abs(tonumber(clock) - tonumber(now[3])) > tonumber(ARGV[4]) then
	redis.call('HSET', head, 'beat', clock)
end

if from == now[1] then
	return {'ok', now[1], now[2]}
end
local found = redis.call('ZRANGEBYSCORE', order, '(' .. from, '+inf', 'LIMIT', 0, ARGV[3] + 1)
if #found > tonumber(ARGV[3]) then
	return {'gap'}
end
return {'ok', now[1], now[2], found}
