
-- ARGV: now, how many rows and how many entries at most.
primary()
local now, most = '(' .. ARGV[1], ARGV[2]

local dead = redis.call('ZRANGEBYLEX', rowsDue, '-', now, 'LIMIT', 0, most)
if #dead > 0 then
	local ids, members = {}, {}
	for i, due in ipairs(dead) do
		members[i] = string.sub(due, 21)
		ids[i] = string.sub(due, 29 + tonumber(string.sub(due, 21, 28)))
	end
	redis.call('HDEL', rows, unpack(ids))
	redis.call('ZREM', owned, unpack(members))
	redis.call('ZREM', rowsDue, unpack(dead))
end

dead = redis.call('ZRANGEBYLEX', entriesDue, '-', now, 'LIMIT', 0, most)
if #dead > 0 then
	local fields = {}
	for i, due in ipairs(dead) do
		fields[i] = string.sub(due, 21)
	end
	local members = redis.call('HMGET', entries, unpack(fields))
	for i, field in ipairs(fields) do
		members[i] = (members[i] or '') .. field
	end
	redis.call('HDEL', entries, unpack(fields))
	redis.call('ZREM', order, unpack(members))
	redis.call('ZREM', entriesDue, unpack(dead))
end

local more = #redis.call('ZRANGEBYLEX', rowsDue, '-', now, 'LIMIT', 0, 1)
	+ #redis.call('ZRANGEBYLEX', entriesDue, '-', now, 'LIMIT', 0, 1)
return {'ok', more > 0 and '1' or '0'}
