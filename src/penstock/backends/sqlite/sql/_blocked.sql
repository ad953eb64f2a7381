-- A claim met a full limit.
-- args: n now name key
update penstock_claiming set blocked = :n, untaken = untaken + 1 where one = 1;
insert into penstock_do_leave values (:n, :now);
insert or ignore into penstock_line (name, key) values (:name, :key);
insert into penstock_do_park values (:n, :now, :name, :key);
