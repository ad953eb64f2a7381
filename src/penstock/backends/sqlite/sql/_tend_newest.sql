-- Of each task the oldest succeeded roots beyond the number kept. Counting many is not done at every round.
-- args: now
update penstock_meta set newest_at = :now + coalesce((
    select case when count(*) > 20000 then 60000000 end
    from (select 1 from penstock_run r where r.state = 'succeeded' and r.alarm_at is not null limit 20001)
), 0);
insert into penstock_do_beyond_newest
with recursive task (name) as (
    select min(r.task) from penstock_run r where r.over
    union all
    select (
        select min(r.task) from penstock_run r
        where r.over and r.task > t.name
    )
    from task t where t.name is not null
)
select t.name, (
    select m.newest from penstock_run r join penstock_terms m on m.id = r.terms
    where r.task = t.name and r.state = 'succeeded' and r.alarm_at is not null
        and r.over
    order by r.n desc limit 1
)
from task t where t.name is not null;
