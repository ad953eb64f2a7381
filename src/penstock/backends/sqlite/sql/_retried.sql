-- The rest of retry, for the holder of the lease.
-- args: n now settled delay error forget limits ending
insert into penstock_do_note
select :n, :now, case when :error is null then 'release' else 'attempt' end, coalesce(:error, x''), 1;
update penstock_run set
    failures = failures + (:error is not null), releases = releases + (:error is null), settled = :settled,
    idle_claims = case when :delay > 0 or :error is not null then 0 else idle_claims end
where n = :n;
insert into penstock_do_free select :n where :limits is not null;
insert into penstock_do_settle_ending select :n, :now, 'retry', :settled, null, null where :ending is not null;
insert into penstock_do_forget select :n, f.value, :now from json_each(:forget) f where :ending is null;
insert into penstock_do_schedule select :n, :now, :now + :delay, 1 where :ending is null and :delay > 0;
insert into penstock_do_queue select :n, :now, 1, null where :ending is null and :delay <= 0;
insert into penstock_do_offer_freed select :n, :now where :limits is not null;
