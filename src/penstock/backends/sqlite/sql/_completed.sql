-- The rest of complete, for the holder of the lease. With dependencies pending the run waits, its result stored.
-- args: n now settled result limits ending pending
insert into penstock_do_free select :n where :limits is not null;
insert into penstock_do_settle_ending select :n, :now, 'complete', :settled, null, null where :ending is not null;
insert into penstock_do_finish
select :n, :now, 'succeeded', null, null, null, :result, 0, :settled where :ending is null and :pending = 0;
update penstock_run set
    state = 'waiting', since_at = :now, alarm_at = null, token = null, worker = null, settled = :settled,
    result = :result, returned = 1
where n = :n and :ending is null and :pending > 0;
insert into penstock_do_mark_calls select :n where :ending is null and :pending > 0;
insert into penstock_do_offer_freed select :n, :now where :limits is not null;
