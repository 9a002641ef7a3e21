-- What every script begins with. All keys of a store are given to every script.
local rows, owned, rowsDue = KEYS[1], KEYS[2], KEYS[3]
local entries, order, entriesDue = KEYS[4], KEYS[5], KEYS[6]
local trail, head = KEYS[7], KEYS[8]
local never = '18446744073709551615' -- the greatest int64, see digits

-- Fails on a server that takes no writes, and changes nothing: no key of ours has a time to live. A
-- replica must not answer, because it may be behind.
local function primary()
	redis.call('PERSIST', head)
end

local function ownerOf(row)
	return string.sub(row, 49, 48 + tonumber(string.sub(row, 41, 48)))
end

-- The greatest Before of what revokes all that an owner has.
local function cutoff(owner)
	local found = redis.call('HGET', entries, '5')
	local most = found and string.sub(found, 1, 20) or '09223372036854775808' -- 0
	if owner ~= '' then
		found = redis.call('HGET', entries, '4' .. owner)
		if found and string.sub(found, 1, 20) > most then
			most = string.sub(found, 1, 20)
		end
	end
	return most
end

local format = redis.call('HGET', head, 'format')
