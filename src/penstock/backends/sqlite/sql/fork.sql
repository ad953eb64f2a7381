-- A new run of the same task and input with the first recorded steps, and the signals that none of them has read.
-- args: run_id new_id upto version now
insert into penstock_answer (i, word)
select 0, case
    when r.n is null then 'not_found'
    when exists (select 1 from penstock_run o where o.id = :new_id) then 'duplicate'
    else 'ok'
end
from (select 1) left join penstock_run r on r.id = :run_id;
select raise(ignore) where exists (select 1 from penstock_answer a where a.word <> 'ok');
update penstock_tick set serial = serial + 1;
insert into penstock_run (
    n, id, task, queue, version, state, priority, enqueued_at, since_at, input, options, terms, limits, tags,
    fair, weight
)
select
    t.serial, :new_id, r.task, r.queue, coalesce(:version, r.version), 'queued', r.priority, :now, :now, r.input, r.options,
    r.terms, r.limits, r.tags, r.fair, r.weight
from penstock_run r, penstock_tick t where r.id = :run_id;
insert into penstock_do_fork_so
select o.n, c.n, coalesce(:upto, 9e18), :now
from penstock_run o, penstock_run c where o.id = :run_id and c.id = :new_id limit 1;
