-- Take the slots of all the run's limits or, if one is full, none: then the run is parked there.
-- args: n now
insert into penstock_do_blocked
select r.n, :now, d.name, json_extract(e.value, '$[1]')
from penstock_run r
join json_each(r.limits) e
join penstock_limit d on d.name = json_extract(e.value, '$[0]')
left join penstock_line l on l.name = d.name and l.key = json_extract(e.value, '$[1]')
where r.n = :n
    and not exists (select 1 from penstock_slot s where s.n = r.n and s.name = d.name and s.key = json_extract(e.value, '$[1]'))
    and case when l.name is null then d.n else (
        -- @include _room
    ) end = 0
order by e.key limit 1;
insert into penstock_do_take_slot
select r.n, :now, d.name, json_extract(e.value, '$[1]'), d.period is not null
from penstock_run r
join json_each(r.limits) e
join penstock_limit d on d.name = json_extract(e.value, '$[0]')
where r.n = :n and (select c.blocked from penstock_claiming c) is not :n
    and not exists (select 1 from penstock_slot s where s.n = r.n and s.name = d.name and s.key = json_extract(e.value, '$[1]'))
order by e.key;
