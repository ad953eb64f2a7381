-- parts: start model
-- Turn what attempts came to into moves. Of each: id, kind, token; `data`: its bytes are the result, error or input.
-- Called with the answers so far, which of the complete ones are left, how many there are, and where their bytes begin.
-- `order`: where in the call each stands, the complete ones first. What the straight way has left takes its place.
-- args: outcomes order
local answers, left, n, data = ...
local A = ARGV[3] ~= '' and unpack_(ARGV[3]) or { outcomes = {} }
local moves = {} -- {place in the call, place in the answer, outcome}
for _, i in ipairs(left) do
    local outcome = { kind = 'complete', token = ARGV[data + 2 * i - 1], result = ARGV[data + 2 * i] }
    insert(moves, { A.order and A.order[i] or i, i, outcome })
end
local at = 4
for i, outcome in ipairs(A.outcomes) do
    if outcome.data then
        at = at + 1
        outcome[outcome.data] = ARGV[at]
    end
    insert(moves, { A.order[n + i], n + i, outcome })
end
table.sort(moves, function(a, b)
    return a[1] < b[1]
end)
local room = 100 -- for as many as one script is through with soon; the others are answered by false, and asked for again
for _, one in ipairs(moves) do
    local ref, outcome = KEYS[1 + one[2]]:sub(#P + 2), one[3]
    local answer = false
    if room > 0 then
        answer = outcome.kind == 'complete' and M.complete_child(ref, outcome) or false
        room = room - (answer and 0.4 or 1)
        answer = answer or M.settle(ref, outcome)
    end
    answers[one[2]] = answer
end
M.commit(true)
return answers
