-- Forget the edge from a child to its parent.
-- args: n
-- A living parent has counted it; of a finished one:
update penstock_run set pending = pending - 1
where n = (select c.parent from penstock_run c where c.n = :n and c.kind = 'dependency' and not c.counted);
insert into penstock_do_orphan select :n, c.parent, c.id from penstock_run c where c.n = :n and c.parent is not null
limit 1;
update penstock_run set depth = 0 where n = :n;
