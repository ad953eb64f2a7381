-- Wait for something; go on at once if it has happened.
-- args: i run_id token at idle finishes early calls signals now
insert into penstock_do_suspended
select r.n, :now, 'suspend ' || :token, :at, :idle, :finishes, :early, :calls, :signals, r.limits, r.ending
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (select 1 from penstock_run r where r.id = :run_id and r.settled = 'suspend ' || :token);
