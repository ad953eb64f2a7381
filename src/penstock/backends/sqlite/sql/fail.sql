-- The run is over, badly.
-- args: i run_id token error cause forget now
insert into penstock_do_failed
select r.n, :now, 'fail ' || :token, :error, :cause, :forget, r.limits, r.ending
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (select 1 from penstock_run r where r.id = :run_id and r.settled = 'fail ' || :token);
