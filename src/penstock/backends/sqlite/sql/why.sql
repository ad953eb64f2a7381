-- What tells why an unfinished run stands where it stands.
select
    r.n, r.place, r.line_name, r.line_key, d.period is not null,
    exists (select 1 from penstock_pause x where x.kind = 'queue' and x.name = r.queue),
    exists (select 1 from penstock_pause x where x.kind = 'task' and x.name = r.task),
    case when d.period is not null and d.n > 0 and (
        -- @include _room
    ) = 0 then max(
        coalesce((
            select s.at + d.period from penstock_start s
            where s.name = l.name and s.key = l.key and s.at > :now - d.period and s.no <= l.starts - d.n + 1
            order by s.at desc, s.no desc limit 1
        ), 0),
        coalesce(l.blocked_until, 0)
    ) end,
    (
        select json_group_array(c.id) from (
            select c.id from penstock_run c
            where c.parent = r.n and c.kind = 'dependency' and not c.counted order by c.seq limit 10
        ) c
    ),
    (select u.fair from penstock_turn u where u.n = r.n and u.turn is null),
    (select k.run_id from penstock_key k where k.task = r.task and k.key = r.key and k.next_id = r.id),
    exists (select 1 from penstock_pause x where x.kind = 'limit' and x.name = r.line_name || ':' || r.line_key)
from penstock_run r
left join penstock_limit d on d.name = r.line_name
left join penstock_line l on l.name = r.line_name and l.key = r.line_key
where r.id = :run_id
