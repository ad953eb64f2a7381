-- Runs not started, or not finished, in time; flows left open; workers gone.
-- args: now
delete from penstock_due;
insert into penstock_due (n)
select r.n from penstock_run r
where r.ends_at <= :now
order by r.ends_at, r.n limit (select max(0, x.left_over) from penstock_tending x);
insert into penstock_do_expire select d.n, :now from penstock_due d order by d.k;
delete from penstock_claim where worker in (select w.worker from penstock_worker w where w.expires_at <= :now);
delete from penstock_worker where expires_at <= :now;
delete from penstock_flush where at <= :now - 86400000000;
