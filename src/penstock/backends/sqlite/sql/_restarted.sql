-- The rest of restart, for the holder of the lease.
-- args: n now settled input limits ending
insert into penstock_do_free select :n where :limits is not null;
insert into penstock_do_settle_ending select :n, :now, 'restart', :settled, null, null where :ending is not null;
insert into penstock_do_offer_freed select :n, :now where :ending is not null;
select raise(ignore) where :ending is not null;
-- Messages that no step has read stay, numbered anew.
delete from penstock_signal
where n = :n and exists (
    select 1 from penstock_step s
    where s.n = :n and s.signal = penstock_signal.name and s.signal_seq = penstock_signal.seq
);
update penstock_signal set seq = (
    select 1 + count(*) from penstock_signal o
    where o.n = penstock_signal.n and o.name = penstock_signal.name and o.no < penstock_signal.no
)
where n = :n;
delete from penstock_step where n = :n;
update penstock_run set
    history = history + 1, failures = 0, rollbacks = 0, idle_claims = 0, settled = :settled,
    refused = '' -- the new history has nothing that could fail to fit
where n = :n;
insert into penstock_do_put_input values (:n, :input);
insert into penstock_do_mark_calls select :n from penstock_run r where r.n = :n and r.children limit 1;
insert into penstock_do_queue values (:n, :now, 0, 1);
insert into penstock_do_offer_freed select :n, :now where :limits is not null;
