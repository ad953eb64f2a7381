-- Change priority or input of a run that has not started; clear the log of any.
-- args: run_id priority input clear_log now
insert into penstock_answer (i, word)
select 0, case
    when r.n is null then 'not_found'
    when :priority is null and :input is null then 'ok'
    when r.over then 'finished'
    when r.state = 'running' or :input is not null and r.claims > 0 then 'state'
    else 'ok'
end
from (select 1) left join penstock_run r on r.id = :run_id;
insert into penstock_do_edit_so
select r.n, :priority, :input, :clear_log, r.line_name, r.line_key, r.place, r.ending, :now from penstock_run r
where r.id = :run_id and exists (select 1 from penstock_answer a where a.word = 'ok');
