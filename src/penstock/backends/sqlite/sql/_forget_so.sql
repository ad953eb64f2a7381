-- The rest of _forget, with the child.
-- args: n path child_id now
delete from penstock_step where n = :n and path = :path;
insert into penstock_do_redrive_run select null, c.n, 1, null, :now from penstock_run c where c.id = :child_id limit 1;
