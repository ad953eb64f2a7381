-- How the keys of the limits stand.
select
    d.name, d.n, d.period, d.full, d.hold, coalesce(l.key, ''),
    case
        when d.period is null then coalesce(l.used, 0)
        else (select count(*) from penstock_start s where s.name = l.name and s.key = l.key and s.at > :now - d.period)
    end,
    coalesce((select sum(s.out) from penstock_stand s where s.name = l.name and s.key = l.key), 0),
    coalesce((select sum(s.parked) from penstock_stand s where s.name = l.name and s.key = l.key), 0),
    case when l.blocked_until > :now then l.blocked_until end,
    exists (select 1 from penstock_pause x where x.kind = 'limit' and x.name = l.name || ':' || l.key)
from penstock_limit d left join penstock_line l on l.name = d.name
order by d.name, l.key
