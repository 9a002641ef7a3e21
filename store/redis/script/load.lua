
-- ARGV: an ID.
primary()
local row = redis.call('HGET', rows, ARGV[1])
if not row then
	return {'none'}
end
return {'ok', row, cutoff(ownerOf(row))}
