-- The rest of _rescue, with the way that was chosen.
-- args: n now way
insert into penstock_do_finish_as_asked select :n, :now where :way = 'as asked';
insert into penstock_do_finish select :n, :now, 'failed', 'crashed', null, null, null, 0, null where :way = 'fail';
insert into penstock_do_request select :n, :now, 'failed', 'crashed', null, null, 0 where :way = 'roll back';
insert into penstock_do_queue select :n, :now, 0, null where :way = 'queue' or :way = 'roll back';
