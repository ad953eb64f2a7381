-- parts: start args model
-- Go on with what a changed or dropped limit has freed, unless upkeep is through with that.
-- args: name
local through = true
if M.score(M.zset('sweeps'), A.name) then
    through = M.sweep(A.name)
    M.commit(true)
end
return through and 'ok' or 'more'
