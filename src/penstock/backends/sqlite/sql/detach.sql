-- Cut a dependency from its parent, which no longer waits for it.
-- args: run_id now
delete from penstock_below;
insert into penstock_do_below select r.n, 1 from penstock_run r where r.id = :run_id and r.kind = 'dependency'
limit 1;
insert into penstock_answer (i, word)
select 0, case
    when r.n is null then 'not_found'
    when r.kind is not 'dependency' or r.open then 'state'
    when (select count(*) from penstock_below) > 1000 then 'big'
    else 'ok'
end
from (select 1) left join penstock_run r on r.id = :run_id;
insert into penstock_do_detach_so
select r.n, r.parent, r.id, :now from penstock_run r
where r.id = :run_id and exists (select 1 from penstock_answer a where a.word = 'ok') limit 1;
