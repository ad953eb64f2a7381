-- Another attempt later, or at once. Without an error it is a snooze: no attempt is used.
-- args: i run_id token delay error forget now
insert into penstock_do_retried
select r.n, :now, 'retry ' || :token, :delay, :error, :forget, r.limits, r.ending
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (select 1 from penstock_run r where r.id = :run_id and r.settled = 'retry ' || :token);
