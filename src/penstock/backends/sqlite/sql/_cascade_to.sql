-- One step of a mark, at one run below it.
-- args: n way keep_key reason now
insert into penstock_do_delete select :n, :keep_key, :now where :way = 'remove';
insert into penstock_do_cancel_run select :n, :now, 'parent', 1, coalesce(:reason, ''), 1 where :way = 'cancel';
insert into penstock_do_redrive_run select null, :n, 1, null, :now where :way = 'redrive';
insert into penstock_do_let_in select :n, :now where :way = 'close';
