-- Not before its time. `fresh`: it gets a new rank then in any case.
-- args: n now due fresh
update penstock_run set
    state = 'scheduled', since_at = :now, alarm_at = :due, token = null, worker = null,
    rank = case when not :fresh then rank end, woken = case when :fresh then 0 else woken end
where n = :n;
delete from penstock_wake where n = :n;
insert or ignore into penstock_ring values ('u');
