-- A child that waits for a slot which an ancestor keeps until the child is done would wait for ever.
-- args: g i parent_id limits
insert or ignore into penstock_refused
with recursive
    -- Up through the group to a run that is stored, then through those.
    over (id, level) as (
        select :parent_id, 0
        union
        select p.parent_id, o.level + 1
        from over o join penstock_incoming p on p.g = :g and p.id = o.id
        where p.parent_id is not null and o.level < 1000 and not exists (select 1 from penstock_run r where r.id = o.id)
    ),
    above (n, level) as (
        select r.n, 0 from over o join penstock_run r on r.id = o.id
        union all
        select r.parent, a.level + 1 from above a join penstock_run r on r.n = a.n where r.parent is not null
    )
select :g, :i, 'held', r.id, 'an ancestor holds the slot of ' || quote(d.name) || ' ' || quote(s.key) || ' to its end'
from above a
join penstock_slot s on s.n = a.n
join penstock_limit d on d.name = s.name and d.hold
join json_each(:limits) e on json_extract(e.value, '$[0]') = s.name and json_extract(e.value, '$[1]') = s.key
join penstock_run r on r.n = a.n
order by a.level, e.key limit 1;
