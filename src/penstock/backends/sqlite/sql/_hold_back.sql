-- A parent that stands ready without having started waits for its new dependency.
-- args: n now
insert into penstock_do_wait_again
select :n, :now, r.alarm_at from penstock_run r
where r.n = :n and not r.claims and not r.early and r.ending is null and (r.ready is not null or r.place is not null or r.state = 'scheduled')
limit 1;
