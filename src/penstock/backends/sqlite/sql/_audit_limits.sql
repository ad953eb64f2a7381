-- What is wrong with the limits and the lines, one sentence each.
select 'limit ' || l.name || ' ' || quote(l.key) || ' counts ' || l.used || ' slots, and others are taken'
from penstock_line l
where l.used <> (select count(*) from penstock_slot s where s.name = l.name and s.key = l.key);
select 'a slot of limit ' || s.name || ' is taken by run number ' || s.n || ', which is gone'
from penstock_slot s where not exists (select 1 from penstock_run r where r.n = s.n);
select r.id || ' is ' || r.state || ' and holds a slot of limit ' || s.name
from penstock_slot s join penstock_run r on r.n = s.n left join penstock_limit d on d.name = s.name
where r.state <> 'running' and (r.over or d.hold is not 1);
select 'line ' || c.name || ' ' || quote(c.key) || ' counts ' || c.parked || ' parked and ' || c.out || ' out, which is wrong'
from (
    select s.name, s.key, s.queue, s.priority, s.parked, s.out from penstock_stand s
    union
    select r.line_name, r.line_key, r.queue, r.priority, sum(r.place = 'line'), sum(r.place = 'out')
    from penstock_run r where r.line_name is not null group by 1, 2, 3, 4
) c
group by c.name, c.key, c.queue, c.priority having count(*) > 1 or not exists (
    select 1 from penstock_run r
    where r.line_name = c.name and r.line_key = c.key and r.queue = c.queue and r.priority = c.priority
);
select 'line ' || s.name || ' ' || quote(s.key) || ' has room in queue ' || s.queue || ', and members are parked'
from penstock_stand s
join penstock_limit d on d.name = s.name
join penstock_line l on l.name = s.name and l.key = s.key
where d.period is null and s.parked > 0 and s.out < (
    -- @include _room
);
select 'line ' || s.name || ' is of a limit that is not defined'
from penstock_stand s where not exists (select 1 from penstock_limit d where d.name = s.name);
select 'the side line of ' || c.task || ' ' || quote(c.version) || ' in queue ' || c.queue || ' counts wrong'
from (
    select s.queue, s.task, s.version, s.refused, s.runs from penstock_side s
    union
    select r.queue, r.task, r.version, r.refused, count(*) from penstock_run r where r.place = 'side' group by 1, 2, 3, 4
) c
group by c.queue, c.task, c.version, c.refused having count(*) > 1 or not exists (
    select 1 from penstock_run r
    where r.place = 'side' and r.queue = c.queue and r.task = c.task and r.version = c.version and r.refused = c.refused
)
