-- Store a group whole, or say what is wrong with it.
-- args: g now
insert into penstock_do_enter_so
select
    x.g, x.flow, x.holder,
    case
        when x.holder is not null and h.n is null then 'lost'
        when h.n is not null and (h.ending is not null or exists (
            select 1 from penstock_mark m
            where m.n = h.n and (m.remove or m.upto is null and (m.dependencies or m.calls or m.started))
        )) then 'cascading'
        when x.fault is not null then x.fault
        when x.flow is null or x.opens and f.n is null then null
        when f.n is null then 'not_found'
        when (not f.open or exists (select 1 from penstock_mark m where m.n = f.n and m.closing)) and exists (
            select 1 from penstock_incoming o
            where o.g = x.g and not exists (select 1 from penstock_run r where r.id = o.id)
        ) then 'state'
        when h.n is not null and f.open and exists (
            select 1 from penstock_incoming o left join penstock_run p on p.id = o.parent_id
            where o.g = x.g and o.parent_id <> x.holder and not (f.parent = h.n and coalesce(p.open, 0))
                and not exists (select 1 from penstock_incoming q where q.g = x.g and q.id = o.parent_id)
        ) then 'invalid'
    end,
    x.fault_i, coalesce(x.detail, case
        when x.flow is null then ''
        when f.n is null then 'no such flow'
        when f.open then 'a spawned run is a child of its spawner'
        else 'the flow is not open'
    end), :now
from penstock_group x
left join penstock_run h on h.id = x.holder and h.token = x.token and h.state = 'running'
left join penstock_run f on f.id = x.flow
where x.g = :g limit 1;
