-- The moment at which time alone moves something; NULL: none.
select min(e.at) from (
    select min(r.alarm_at) as at from penstock_run r where r.state = 'scheduled' and r.alarm_at is not null
    union all
    select min(r.alarm_at) from penstock_run r where r.state = 'waiting' and r.alarm_at is not null
    union all
    select max(min(r.alarm_at), coalesce((select m.quarantine_until from penstock_meta m), 0))
    from penstock_run r where r.state = 'running' and r.alarm_at is not null
    union all
    select min(r.ends_at) from penstock_run r where r.ends_at is not null
    union all
    select min(s.next_at) from penstock_schedule s where s.next_at is not null and not s.paused
    union all
    select min(max(
        coalesce((
            select s.at + d.period from penstock_start s
            where s.name = l.name and s.key = l.key and s.at > :now - d.period and s.no <= l.starts - d.n + 1
            order by s.at desc, s.no desc limit 1
        ), 0),
        coalesce(l.blocked_until, 0)
    ))
    from penstock_limit d
    join penstock_line l on l.name = d.name
    where d.period is not null and d.n > 0
        and not exists (select 1 from penstock_pause x where x.kind = 'limit' and x.name = l.name || ':' || l.key)
        and exists (select 1 from penstock_stand s where s.name = l.name and s.key = l.key and s.parked > 0) and (
        -- @include _room
    ) = 0
) e
