-- A waiting run goes on: succeeded if it had returned, scheduled if it has a delay of its own, else queued.
-- args: n now
insert into penstock_do_finish
select :n, :now, 'succeeded', null, null, null, r.result, 0, null from penstock_run r where r.n = :n and r.returned
limit 1;
insert into penstock_do_released
select :n, :now, coalesce(r.start_at, :now + coalesce(r.own_delay, 0)), r.claims
from penstock_run r where r.n = :n and r.state = 'waiting' limit 1;
