-- Whether one run of a group may be stored; the group keeps its first fault.
-- args: g i id key task input_hash parent_id kind if_fails holder limits now
select raise(ignore) where exists (select 1 from penstock_refused f where f.g = :g);
update penstock_incoming set
    known = (select r.n from penstock_run r where r.id = :id),
    depth = coalesce((select r.depth from penstock_run r where r.id = :id), 0),
    parent = (select r.n from penstock_run r where r.id = :parent_id)
where g = :g and i = :i;
insert into penstock_do_check_key
select :g, :i, :id, :key, :task, :input_hash, :kind, :now from penstock_incoming o
where :key is not null and o.g = :g and o.i = :i and o.known is null limit 1;
insert into penstock_do_check_edge
select
    :g, :i, :id, :parent_id, :kind, :holder, :limits, o.known, o.parent,
    coalesce(
        (
            select p.depth from penstock_incoming p
            where p.g = :g and p.id = :parent_id and p.i < :i order by p.i desc limit 1
        ),
        (select r.depth from penstock_run r where r.n = o.parent)
    )
from penstock_incoming o where :parent_id is not null and o.g = :g and o.i = :i limit 1;
insert into penstock_do_check_held
select :g, :i, :parent_id, :limits where :limits is not null and :kind <> 'started';
insert into penstock_do_check_circle
select :g, :i, :id from penstock_incoming o where o.g = :g and o.i = :i and o.known is not null limit 1;
