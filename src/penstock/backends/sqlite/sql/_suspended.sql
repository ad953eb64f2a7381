-- The rest of suspend, for the holder of the lease.
-- args: n now settled at idle finishes early calls signals limits ending
insert into penstock_do_free select :n where :limits is not null;
insert into penstock_do_settle_ending select :n, :now, 'suspend', :settled, null, null where :ending is not null;
insert into penstock_do_offer_freed select :n, :now where :ending is not null;
select raise(ignore) where :ending is not null;
update penstock_run set
    state = 'waiting', since_at = :now, alarm_at = :at, token = null, worker = null, settled = :settled
where n = :n;
insert into penstock_wake (n, at, idle, finishes, early, calls, signals)
values (:n, :at, :idle, :finishes, :early, :calls, :signals);
insert or ignore into penstock_ring select 'u' where :at is not null;
insert into penstock_do_await select :n where :calls <> '[]';
insert into penstock_do_wake values (:n, :now);
insert into penstock_do_offer_freed select :n, :now where :limits is not null;
