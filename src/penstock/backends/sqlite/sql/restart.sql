-- Continue as new: another history with this input.
-- args: i run_id token input now
insert into penstock_do_restarted
select r.n, :now, 'restart ' || :token, :input, r.limits, r.ending
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (select 1 from penstock_run r where r.id = :run_id and r.settled = 'restart ' || :token);
