-- The rest of _activate, with the way that was chosen.
-- args: n way now
insert into penstock_do_wake select :n, :now where :way = 'wake';
insert into penstock_do_wait_again select :n, :now, null where :way = 'wait';
insert into penstock_do_finish
select :n, :now, 'cancelled', 'limit', null, null, null, 0, null where :way = 'drop';
insert into penstock_do_queue select :n, :now, 0, null where :way = 'queue';
