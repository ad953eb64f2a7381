-- The rest of complete, for an end from which more follows.
-- args: i run_id token result now
insert into penstock_do_completed
select r.n, :now, 'complete ' || :token, :result, r.limits, r.ending, r.pending
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (select 1 from penstock_run r where r.id = :run_id and r.settled = 'complete ' || :token);
