-- The rest of _enter, with the fault of the group itself.
-- args: g flow holder fault fault_i detail now
insert into penstock_refused select :g, coalesce(:fault_i, 0), :fault, :flow, :detail where :fault is not null;
insert into penstock_do_check
select i.g, i.i, i.id, i.key, i.task, i.input_hash, i.parent_id, i.kind, i.if_fails, :holder, i.limits, :now
from penstock_incoming i where :fault is null and i.g = :g
order by i.i;
select raise(ignore) where exists (select 1 from penstock_refused f where f.g = :g);
insert into penstock_do_create select o.g, o.i, :flow is not null, :now
from penstock_incoming o where o.g = :g
order by o.i;
-- The root of a flow notes its latest group; the last one lets its runs go, by a mark.
insert into penstock_mark (n, closing)
select r.n, 1 from penstock_group x join penstock_run r on r.id = x.flow where x.g = :g and x.closes and r.open
on conflict (n) do update set closing = 1;
update penstock_run set opened_at = :now where id = :flow and open;
insert into penstock_do_ends select r.n from penstock_run r where r.id = :flow and r.open limit 1;
insert into penstock_do_adopt
select k.n, r.n, o.if_fails, o.name, o.cascade, :now
from penstock_incoming o
join penstock_run k on k.id = o.known_id
join penstock_run r on r.id = o.parent_id
where o.g = :g and o.known_id is not null and o.kind = 'dependency'
order by o.i;
insert into penstock_do_activate
select o.n, :now from penstock_incoming o where o.g = :g and o.n is not null order by o.i;
insert into penstock_do_rewrite
select r.n, o.g, o.i, :now from penstock_incoming o join penstock_run r on r.id = o.known_id
where o.g = :g and o.rewrites order by o.i;
-- A call that an earlier life of the spawner took along starts again.
insert into penstock_do_redrive_run
select null, r.n, 1, null, :now
from penstock_incoming o join penstock_run r on r.id = o.known_id
where :holder is not null and o.g = :g and r.kind = 'call' and r.by_parent
    and r.over
order by o.i;
