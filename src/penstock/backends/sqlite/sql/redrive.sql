-- Begin another life of a finished run. `life`: the one that is meant, or NULL; a later one is left alone. `input`: another
-- one, in another history, which keeps the records of this one; or NULL.
-- args: i run_id life input now
select raise(ignore) where exists (select 1 from penstock_run r where r.id = :run_id and r.life > :life);
insert into penstock_answer (i, word)
select :i, 'not_found' where not exists (select 1 from penstock_run r where r.id = :run_id);
insert into penstock_do_redrive_run select :i, r.n, 0, :input, :now from penstock_run r where r.id = :run_id limit 1;
