-- End a run: at once or, if it is running or has rollbacks to run first, by request.
-- args: i run_id reason cascade terminate now
insert into penstock_answer (i, word)
select :i, case when r.n is null then 'not_found' else 'finished' end
from (select 1) left join penstock_run r on r.id = :run_id
where r.n is null or r.over;
update penstock_run set rollbacks = 0 where id = :run_id and :terminate;
insert into penstock_do_cancel_run
select r.n, :now, 'cancel', 0, :reason, :cascade from penstock_run r
where r.id = :run_id and not r.over limit 1;
