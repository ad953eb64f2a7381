-- How many more runs of the line l of the limit d may start at :now.
case
    when exists (select 1 from penstock_pause x where x.kind = 'limit' and x.name = l.name || ':' || l.key) then 0
    when d.period is null then max(0, d.n - l.used)
    when l.blocked_until > :now then 0
    else max(0, d.n - coalesce((
        select l.starts + 1 - x.no from penstock_start x
        where x.name = l.name and x.key = l.key and x.at > :now - d.period
        order by x.at, x.no limit 1
    ), 0))
end
