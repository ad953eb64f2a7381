-- The parent no longer waits for this dependency. Nothing else changes about a finished parent.
-- args: parent n id now
select raise(ignore) from penstock_run c where c.n = :n and c.counted;
update penstock_run set counted = 1 where n = :n;
update penstock_run set pending = pending - 1 where n = :parent;
insert into penstock_do_unblock select p.n from penstock_run p where p.n = :parent and p.blocked_by = :id limit 1;
insert into penstock_do_wake values (:parent, :now);
