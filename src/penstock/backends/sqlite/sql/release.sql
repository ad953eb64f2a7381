-- Handed back, free of charge.
-- args: i run_id token refused unstarted now
insert into penstock_do_handed_back
select r.n, :now, 'release ' || :token, :refused, :unstarted, r.limits, r.ending, r.rollbacks
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (select 1 from penstock_run r where r.id = :run_id and r.settled = 'release ' || :token);
