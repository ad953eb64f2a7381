-- Move the due time of a scheduled or queued run.
-- args: run_id due now
insert into penstock_answer (i, word)
select 0, case
    when r.n is null then 'not_found'
    when r.over then 'finished'
    when r.state not in ('scheduled', 'queued') or r.ending is not null then 'state'
    else 'ok'
end
from (select 1) left join penstock_run r on r.id = :run_id;
insert into penstock_do_reschedule_so
select r.n, :due, :now, r.state from penstock_run r
where r.id = :run_id and exists (select 1 from penstock_answer a where a.word = 'ok') limit 1;
