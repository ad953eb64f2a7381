-- Finished trees whose time is over go whole; then keys whose run is gone.
-- args: now
delete from penstock_due;
insert into penstock_due (n)
select d.n from (
    select n, alarm_at from (
        select r.n, r.alarm_at from penstock_run r where r.state = 'succeeded' and r.alarm_at <= :now
        order by r.alarm_at limit (select max(0, x.left_over) from penstock_tending x)
    )
    union all
    select n, alarm_at from (
        select r.n, r.alarm_at from penstock_run r where r.state = 'failed' and r.alarm_at <= :now
        order by r.alarm_at limit (select max(0, x.left_over) from penstock_tending x)
    )
    union all
    select n, alarm_at from (
        select r.n, r.alarm_at from penstock_run r where r.state = 'cancelled' and r.alarm_at <= :now
        order by r.alarm_at limit (select max(0, x.left_over) from penstock_tending x)
    )
) d
order by d.alarm_at, d.n limit (select max(0, x.left_over) from penstock_tending x);
insert into penstock_do_tend_newest select :now from penstock_meta m where m.newest_at <= :now limit 1;
insert into penstock_do_purge select d.n, :now from penstock_due d order by d.k;
delete from penstock_key where (task, key) in (
    select k.task, k.key from penstock_key k where k.expires_at <= :now limit 10000
);
