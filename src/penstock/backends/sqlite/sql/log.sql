-- A run's log: what its row says, and what was written down.
select e.seq, e.at, e.kind, e.data, e.attempt, e.worker, e.started_at
from (
    select 1 as seq, r.enqueued_at as at, 'enqueued' as kind, x'' as data, 0 as attempt, null as worker, null as started_at
    from penstock_run r where r.id = :run_id
    union all
    select 2, r.claimed_at, 'claimed', x'', 0, null, null
    from penstock_run r where r.id = :run_id and r.claimed_at is not null
    union all
    select g.seq, g.at, g.kind, g.data, g.attempt, g.worker, g.started_at
    from penstock_run r join penstock_log g on g.n = r.n where r.id = :run_id and g.seq > :after
    union all
    select r.log_seq + 1, r.since_at, 'finished', cast(r.state as blob), r.failures + (r.state = 'succeeded'), null, null
    from penstock_run r where r.id = :run_id and r.over
) e
where e.seq > :after
order by e.seq limit :most
