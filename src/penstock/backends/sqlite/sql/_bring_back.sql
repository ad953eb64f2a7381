-- A dependency that had counted is pending again.
-- args: parent n now
update penstock_run set counted = 0 where n = :n;
update penstock_run set pending = pending + 1 where n = :parent;
insert into penstock_do_hold_back values (:parent, :now);
