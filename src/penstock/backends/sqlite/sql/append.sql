-- Add a line to the log of a held run, unless it has been added before.
-- args: i run_id token kind data number now
insert into penstock_answer (i, word)
select :i, 'lost'
where not exists (
    select 1 from penstock_run r where r.id = :run_id and r.token = :token and r.state = 'running'
);
select raise(ignore)
where not exists (
    select 1 from penstock_run r
    where r.id = :run_id and r.token = :token and r.state = 'running'
        and (:number = 0 or r.lines is not :token or r.line < :number)
);
update penstock_run set lines = :token, line = :number where id = :run_id and :number > 0;
insert into penstock_do_note
select r.n, :now, :kind, :data, 0 from penstock_run r where r.id = :run_id limit 1;
insert or ignore into penstock_ring values ('l:' || :run_id);
