-- The rest of fail, for the holder of the lease.
-- args: n now settled error cause forget limits ending
insert into penstock_do_note values (:n, :now, 'attempt', :error, 1);
update penstock_run set
    failures = failures + 1, settled = :settled, forget = case when :ending is null then :forget else forget end
where n = :n;
insert into penstock_do_free select :n where :limits is not null;
insert into penstock_do_settle_ending select :n, :now, 'fail', :settled, :cause, :error where :ending is not null;
insert into penstock_do_finish
select :n, :now, 'failed', :cause, null, :error, null, 0, null where :ending is null;
insert into penstock_do_offer_freed select :n, :now where :limits is not null;
