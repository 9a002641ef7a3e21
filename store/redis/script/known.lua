
if format ~= '1' then
	primary()
	return {format and 'format' or 'gone'}
end
