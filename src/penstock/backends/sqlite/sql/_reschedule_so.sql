-- The rest of reschedule, for a run that may be moved.
-- args: n due now state
insert into penstock_do_leave select :n, :now where :due > :now;
update penstock_run set expires_at = max(:due, :now) + expires
where n = :n and expires is not null and claims = 0 and (:due > :now or :state = 'scheduled');
insert into penstock_do_schedule select :n, :now, :due, 0 where :due > :now;
insert into penstock_do_queue select :n, :now, 1, null where :due <= :now and :state = 'scheduled';
insert into penstock_do_ends select :n from penstock_run r where r.n = :n and r.expires is not null limit 1;
