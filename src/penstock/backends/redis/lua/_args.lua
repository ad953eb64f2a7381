-- What a general operation is called with. ARGV[3]: its arguments by name, texts and numbers; after it bytes, in order.
local A = cmsgpack.unpack(ARGV[3])
local bytes_at = 3
local function bytes()
    bytes_at = bytes_at + 1
    return ARGV[bytes_at]
end
