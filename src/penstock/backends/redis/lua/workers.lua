-- parts: start
-- What workers said of themselves, and until when they are alive.
local found = {}
for _, text in ipairs(call('HVALS', P .. ':worker')) do
    found[#found + 1] = cmsgpack.unpack(text)
end
return found
