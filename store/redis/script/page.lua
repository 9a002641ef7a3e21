
-- ARGV: the seq to begin after, how many entries. Answers with the last seq of the page.
primary()
local found = redis.call('ZRANGEBYSCORE', order, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
if #found == 0 then
	return {'ok', ARGV[1]}
end
return {'ok', redis.call('ZSCORE', order, found[#found]), found}
