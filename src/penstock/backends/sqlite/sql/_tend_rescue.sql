-- Leases that are over, longest first.
-- args: now
delete from penstock_due;
insert into penstock_due (n)
select r.n from penstock_run r
where r.state = 'running' and r.alarm_at <= :now
order by r.alarm_at, r.n limit (select max(0, x.left_over) from penstock_tending x);
update penstock_tending set
    rescued = (select count(*) from penstock_due), left_over = left_over - (select count(*) from penstock_due);
insert into penstock_do_rescue select d.n, :now from penstock_due d order by d.k;
