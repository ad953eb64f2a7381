-- The run and all below it belong to another tree, or begin one.
-- args: n root_id depth
delete from penstock_subtree;
insert into penstock_subtree (n, level)
with recursive below (n, level) as (
    select :n, 0
    union all
    select r.n, b.level + 1 from below b join penstock_run r on r.parent = b.n where r.kind <> 'started'
)
select b.n, b.level from below b;
update penstock_run set
    root_id = coalesce(:root_id, case when n <> :n then (select r.id from penstock_run r where r.n = :n) end),
    depth = :depth + (select s.level from penstock_subtree s where s.n = penstock_run.n)
where n in (select s.n from penstock_subtree s);
