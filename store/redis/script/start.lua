
-- ARGV: a tag. Answers with the head of the log, and makes the log if there is none.
primary()
if not format then
	-- More than whatever is left of a log whose head was taken away.
	local top = redis.call('ZREVRANGE', order, 0, 0, 'WITHSCORES')
	local seq = string.format('%.0f', top[2] and tonumber(top[2]) + 1 or 1)
	redis.call('DEL', trail)
	redis.call('HSET', head, 'format', '1', 'seq', seq, 'tag', ARGV[1], 'beat', '0')
	redis.call('XADD', trail, seq .. '-0', 't', ARGV[1])
elseif format ~= '1' then
	return {'format'}
end
local now = redis.call('HMGET', head, 'seq', 'tag')
return {'ok', now[1], now[2]}
