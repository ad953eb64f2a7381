-- Change priority or input of a run that has not started; clear the log of any.
-- args: run_id priority input clear_log free_key counted limits fair weight now
insert into penstock_answer (i, word)
select 0, case
    when r.n is null then 'not_found'
    when r.over and (:priority is not null or :input is not null) then 'finished'
    when :priority is not null and r.state = 'running' or :input is not null and (r.state = 'running' or r.claims > 0)
        then 'state'
    when :free_key and not exists (
        select 1 from penstock_key k where k.task = r.task and k.key = r.key and k.run_id = r.id
    ) then 'state'
    else 'ok'
end
from (select 1) left join penstock_run r on r.id = :run_id;
insert into penstock_do_key_end
select r.id, r.task, r.key, null, 0, :now from penstock_run r
where :free_key and r.id = :run_id and exists (select 1 from penstock_answer a where a.word = 'ok') limit 1;
insert into penstock_do_recount
select r.n, r.state, :limits, :fair, :weight, :now from penstock_run r
where :counted and r.id = :run_id and exists (select 1 from penstock_answer a where a.word = 'ok') and (
    r.limits is not :limits or r.fair is not :fair or r.weight is not :weight
) limit 1;
insert into penstock_do_edit_so
select
    r.n, nullif(:priority, r.priority), :input, :clear_log, r.line_name, r.line_key, r.place, r.ready, r.ending, :now
from penstock_run r
where r.id = :run_id and exists (select 1 from penstock_answer a where a.word = 'ok') limit 1;
