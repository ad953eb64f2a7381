-- A mark is worked off.
-- args: n closing now
update penstock_tending set cleared = 1;
delete from penstock_mark where n = :n;
insert into penstock_do_let_in select :n, :now from penstock_run r where :closing and r.n = :n and r.open limit 1;
insert into penstock_do_wake values (:n, :now);
