-- What is due becomes ready: delays and retries, sleeps, and the lines of rates.
-- args: now
delete from penstock_due;
insert into penstock_due (n)
select d.n from (
    select n, alarm_at from (
        select r.n, r.alarm_at from penstock_run r
        where r.state = 'scheduled' and r.alarm_at <= :now
        order by r.alarm_at limit (select max(0, x.left_over) from penstock_tending x)
    )
    union all
    select n, alarm_at from (
        select r.n, r.alarm_at from penstock_run r
        where r.state = 'waiting' and r.alarm_at <= :now
        order by r.alarm_at limit (select max(0, x.left_over) from penstock_tending x)
    )
) d
order by d.alarm_at, d.n limit (select max(0, x.left_over) from penstock_tending x);
update penstock_tending set
    promoted = (select count(*) from penstock_due), left_over = left_over - (select count(*) from penstock_due);
insert into penstock_do_promote select d.n, :now from penstock_due d order by d.k;
insert into penstock_do_offer
select distinct s.name, s.key, :now
from penstock_limit d cross join penstock_stand s on s.name = d.name
where d.period is not null and s.parked > 0;
