-- Runs as they are answered: what is stored of a plain one as it is, of others {field number, value, ...}.

-- `asked`: the distinct terms of the rows, collected for the caller.
function M.shown(r, asked)
    local text = r.stored or r.text
    asked[r.term] = true
    local form = text:byte(1)
    if form > 96 then -- plain: a small letter
        return text
    end
    if r.kind == 'started' and not M.row(r.parent) then -- gone, and did not know all that it had started
        r.parent, r.kind, r.cascade, r.name, r.seq = nil, nil, nil, '', nil
        text = nil
    end
    local fields = text and form == 66 and unpack_(text:sub(2)) or M.fields(r) -- B
    if r.mail then
        for i = 1, #fields, 2 do
            if M.FIELDS[fields[i]] == 'mail' then
                local flat = {}
                for signal, n in pairs(r.mail) do
                    insert(flat, signal)
                    insert(flat, n)
                end
                fields[i + 1] = flat
            end
        end
    end
    return fields
end

-- {number, term, ...} of the terms that were asked for.
function M.shown_terms(asked)
    local found = {}
    for number in pairs(asked) do
        insert(found, number)
        insert(found, M.term(number).text or call('HGET', P .. ':terms', number))
    end
    return found
end

-- A run as its readers see it: its reference, what is stored, and when its lease is over.
function M.seen(r, asked)
    local lease = r.state == 'r' and call('ZSCORE', P .. ':leases', r.ref) or nil
    return { r.ref, M.shown(r, asked), tonumber(lease or nil) or false }
end
