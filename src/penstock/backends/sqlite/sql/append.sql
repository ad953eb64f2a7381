-- Add a line to the log of a held run.
-- args: i run_id token kind data now
insert into penstock_do_note
select r.n, :now, :kind, :data, 0
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running';
insert or ignore into penstock_ring
select 'r:' || r.id from penstock_run r
where r.id = :run_id and r.token = :token and r.state = 'running' and r.watched;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (
    select 1 from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running'
);
