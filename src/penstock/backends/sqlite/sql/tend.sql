-- Rescue, promote, expire, cascade and purge what is due.
-- args: budget gap hold now
delete from penstock_tending;
update penstock_meta set quarantine_until = :now + :hold where :now - tended_at > :gap;
update penstock_meta set tended_at = :now;
insert into penstock_tending (one, left_over, guarded)
select 1, :budget, coalesce(m.quarantine_until > :now, 0) from penstock_meta m;
update penstock_tending set held_back = (
    select count(*) from penstock_run r where r.state = 'running' and r.alarm_at <= :now
)
where guarded;
insert into penstock_do_tend_rescue select :now from penstock_tending x where not x.guarded limit 1;
insert into penstock_do_tend_promote values (:now);
insert into penstock_do_tend_expire values (:now);
insert into penstock_do_tend_cascade
select :now from penstock_counter i, penstock_tending x where i.i <= 1000 order by i.i;
insert into penstock_do_tend_purge values (:now);
