-- parts: start
-- What workers and clients declared, and when.
local found = {}
for _, text in ipairs(call('HVALS', P .. ':definitions')) do
    found[#found + 1] = cmsgpack.unpack(text)
end
return found
