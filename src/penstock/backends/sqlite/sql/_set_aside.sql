-- What must not start ends, or goes to the side line of those who could run it.
-- args: verdict n now
insert into penstock_do_end
select
    :n, :now, case :verdict when 'parent' then 'cancelled' else 'failed' end, :verdict, null, null, :verdict = 'parent'
where :verdict = 'parent' or :verdict = 'deadline' or :verdict = 'loop';
insert into penstock_do_finish_as_asked select :n, :now where :verdict = 'as asked';
insert into penstock_do_finish
select :n, :now, 'failed', 'expired', null, null, null, 0, null where :verdict = 'expired';
insert into penstock_do_leave select :n, :now where :verdict = 'unable';
update penstock_run set place = 'side' where n = :n and :verdict = 'unable';
