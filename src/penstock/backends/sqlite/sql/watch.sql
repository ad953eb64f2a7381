-- From now on the end of the run rings.
-- args: i run_id
update penstock_run set watched = 1, plain = null where id = :run_id and not watched;
insert into penstock_answer (i, word) select :i, r.state from penstock_run r where r.id = :run_id;
