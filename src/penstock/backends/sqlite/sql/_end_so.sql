-- The rest of _end, with the way that was chosen.
-- args: way n now state cause cause_id error by_parent
insert into penstock_do_request
select :n, :now, :state, :cause, :cause_id, :error, :by_parent where :way = 'ask' or :way = 'roll back';
insert or ignore into penstock_ring
select 'w:' || r.worker from penstock_run r where :way = 'ask' and r.n = :n and r.worker is not null;
insert into penstock_do_leave select :n, :now where :way = 'roll back';
insert into penstock_do_queue select :n, :now, 0, null where :way = 'roll back';
insert into penstock_do_finish
select :n, :now, :state, :cause, :cause_id, :error, null, :by_parent, null where :way = 'finish';
