
-- ARGV: an ID, or nothing if only entries are written; the version that it must have, or nothing if it
-- must not exist; the row; what it is in owned; the cutoff that it must have; a tag; and from then on
-- the field, Before and Expires of each entry.
--
-- Every way through ends with a write or with primary: a replica must not judge. What writes begins
-- with a command that is refused when memory is full: Redis lets pass what comes after.
local id, expected, row, member, seen, tag = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local first = 7

local function refuse(why)
	primary()
	return {why}
end

local owner = ''
if id ~= '' then
	owner = ownerOf(row)
	local old = redis.call('HGET', rows, id)
	if old and string.sub(old, 1, 20) == string.sub(row, 1, 20) then
		-- This very write was done, and its answer was lost. A new row's cutoff is as of now; any
		-- other's is known.
		local was = seen
		if expected == '' or owner == '' then
			was = cutoff(owner)
		end
		for i = first, #ARGV, 3 do
			if (ARGV[i] == '5' or owner ~= '' and ARGV[i] == '4' .. owner) and ARGV[i + 1] > was then
				was = ARGV[i + 1]
			end
		end
		primary()
		return {'ok', was, '1'}
	end
	if (old and string.sub(old, 1, 20) or '') ~= expected then
		return refuse('conflict')
	end
	if old and ownerOf(old) ~= owner then
		return refuse('owner')
	end
	if old and owner ~= '' and cutoff(owner) ~= seen then
		return refuse('conflict')
	end
	local was = old and string.sub(old, 21, 40) or never
	local now = string.sub(row, 21, 40)
	redis.call('HSET', rows, id, row)
	if not old and owner ~= '' then
		redis.call('ZADD', owned, 0, member)
	end
	if was ~= now then
		if was ~= never then
			redis.call('ZREM', rowsDue, was .. member)
		end
		if now ~= never then
			redis.call('ZADD', rowsDue, 0, now .. member)
		end
	end
end

-- Each change of an entry has its own number, so that a page can end after any of them.
local seq
for i = first, #ARGV, 3 do
	local field, before, expires = ARGV[i], ARGV[i + 1], ARGV[i + 2]
	local old = redis.call('HGET', entries, field)
	local was = never
	if old then
		was = string.sub(old, 21, 40)
		if string.sub(old, 1, 20) > before then
			before = string.sub(old, 1, 20)
		end
		if was > expires then
			expires = was
		end
	end
	if old ~= before .. expires then
		if not seq then
			seq = tonumber(redis.call('HGET', head, 'seq'))
		end
		seq = seq + 1
		redis.call('HSET', entries, field, before .. expires)
		if old then
			redis.call('ZREM', order, old .. field)
		end
		redis.call('ZADD', order, string.format('%.0f', seq), before .. expires .. field)
		if not old or was ~= expires then
			if was ~= never then
				redis.call('ZREM', entriesDue, was .. field)
			end
			if expires ~= never then
				redis.call('ZADD', entriesDue, 0, expires .. field)
			end
		end
	end
end
if seq then
	local place = string.format('%.0f', seq)
	redis.call('HSET', head, 'seq', place, 'tag', tag)
	redis.call('XADD', trail, 'MAXLEN', '~', 65536, place .. '-0', 't', tag)
elseif id == '' then
	primary()
end
return {'ok', id ~= '' and cutoff(owner) or '', seq and '1' or '0'}
