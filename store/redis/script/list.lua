
-- ARGV: the owner as in owned, the owner, the ID to begin after, how many.
primary()
local prefix = ARGV[1]
local members = redis.call('ZRANGEBYLEX', owned, '(' .. prefix .. ARGV[3], '(' .. prefix .. '\255', 'LIMIT', 0, ARGV[4])
local answer = {'ok', cutoff(ARGV[2])}
for _, member in ipairs(members) do
	local id = string.sub(member, #prefix + 1)
	answer[#answer + 1] = id
	answer[#answer + 1] = redis.call('HGET', rows, id) or ''
end
return answer
