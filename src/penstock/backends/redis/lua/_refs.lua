-- Ids and the keys of runs.

local refs = {}
-- The reference of an id: 16 bytes for a UUID, else '=' and the text.
function M.ref_of(id)
    local ref = refs[id]
    if not ref then
        if #id == 36 and not id:find('[^0-9a-f-]')
            and id:find('^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$') then
            ref = struct.pack('>I4I4I4I4', tonumber(id:sub(1, 8), 16), tonumber(id:sub(10, 13) .. id:sub(15, 18), 16),
                tonumber(id:sub(20, 23) .. id:sub(25, 28), 16), tonumber(id:sub(29), 16))
        else
            ref = (#id == 15 and '==' or '=') .. id
        end
        refs[id] = ref
    end
    return ref
end

-- The id whose reference stands in a key of a run that the call names.
function M.named(id, key)
    refs[id] = key:sub(#P + 2)
end

function M.run_key(ref)
    return P .. 'r' .. ref
end
