-- Give a created row its place.
-- args: n now
insert into penstock_do_activate_so
select
    :n, case
        when r.state = 'waiting' then 'wake'
        when r.state <> 'queued' or r.ready is not null or r.place is not null then 'none'
        when r.pending then 'wait'
        when r.limits is not null and exists (
            select 1
            from json_each(r.limits) e
            join penstock_limit d on d.name = json_extract(e.value, '$[0]')
            left join penstock_line l on l.name = d.name and l.key = json_extract(e.value, '$[1]')
            where d.full = 'drop' and not exists (
                select 1 from penstock_pause x where x.kind = 'limit' and x.name = l.name || ':' || l.key
            ) and case when l.name is null then d.n else (
                -- @include _room
            ) end = 0
        ) then 'drop'
        else 'queue'
    end, :now
from penstock_run r where r.n = :n limit 1;
insert or ignore into penstock_ring
select 'u' from penstock_run r where r.n = :n and r.alarm_at is not null;
