-- A run that has not started, or waits for another one's end, takes over input, delay, limits and value of what was asked.
-- args: n g i now
insert into penstock_do_rewrite_so
select
    :n, :g, :i, :now, r.state, o.input, coalesce(o.start_at, :now + coalesce(o.delay, 0)),
    r.limits is not o.limits or r.fair is not o.fair or r.weight is not o.weight
from penstock_run r, penstock_incoming o
where r.n = :n and o.g = :g and o.i = :i and (
    r.state = 'waiting' or r.state in ('scheduled', 'queued') and r.claims = 0 and r.ending is null
) limit 1;
