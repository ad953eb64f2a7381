-- Write a step once.
-- args: i run_id token path scope position seen kind value error input_hash child_id signal signal_seq silent arrived now
insert into penstock_do_recorded
select
    :i, r.n, r.idle_claims, r.rollbacks,
    :path, :scope, :position, :seen, :kind, :value, :error, :input_hash, :child_id, :signal, :signal_seq,
    :silent, :arrived, :now
from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running' limit 1;
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (
    select 1 from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running'
);
