-- The payloads of the run r, one after the other.
coalesce(r.input, l.input) || r.options || coalesce(r.result, x'') || coalesce(r.error, x'')
