-- The rest of _expire, with the cause.
-- args: n now cause
update penstock_tending set expired = expired + 1, left_over = left_over - 1 where :cause is not null;
insert into penstock_do_finish
select :n, :now, 'cancelled', 'abandoned', null, null, null, 0, null where :cause = 'abandoned';
insert into penstock_do_end
select :n, :now, 'failed', :cause, null, null, 0 where :cause in ('deadline', 'expired');
