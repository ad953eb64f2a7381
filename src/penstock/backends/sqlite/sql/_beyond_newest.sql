-- The succeeded roots of one task beyond its newest.
-- args: task newest
insert into penstock_due (n)
select r.n
from penstock_run r
where :newest is not null and r.task = :task and r.state = 'succeeded' and r.over
    and r.alarm_at is not null and r.n <= (
    select o.n from penstock_run o
    where o.task = :task and o.state = 'succeeded' and o.alarm_at is not null
        and o.over
    order by o.n desc limit 1 offset :newest
)
order by r.n limit (select max(0, x.left_over) from penstock_tending x);
