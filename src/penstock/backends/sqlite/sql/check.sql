-- Everything that is wrong, one sentence each: counters against what they count, places against states, what stands beside
-- runs against the runs.
select r.id || ' has pending ' || r.pending || ', and another number of dependencies that do not count'
from penstock_run r
where r.pending <> (
    select count(*) from penstock_run c where c.parent = r.n and c.kind = 'dependency' and not c.counted
);
select r.id || ' is ' || r.state || ' and over = ' || r.over
from penstock_run r where r.over <> (r.state in ('succeeded', 'failed', 'cancelled'));
select r.id || ' is ' || r.state || ', ready: ' || coalesce(r.ready, 'no') || ', in place ' || coalesce(r.place, 'none')
from penstock_run r
where (r.state = 'queued') <> (coalesce(r.ready, 0) or r.place is not null)
    or coalesce(r.ready, 0) <> (r.state = 'queued' and coalesce(r.place, 'out') = 'out')
    or (r.place is 'out' or r.place is 'line') <> (r.line_name is not null);
select r.id || ' is queued and has no rank' from penstock_run r where r.state = 'queued' and r.rank is null;
select r.id || ' is ' || r.state || ' with token ' || coalesce(r.token, 'none') || ' and worker ' || coalesce(r.worker, 'none')
from penstock_run r
where (r.state = 'running') <> (r.token is not null) or (r.state = 'running') <> (r.worker is not null);
select r.id || ' is ' || r.state || ', and no moment is set for that'
from penstock_run r where (r.state = 'running' or r.state = 'scheduled') and r.alarm_at is null;
select r.id || ' is queued, and time is to move it on' from penstock_run r where r.state = 'queued' and r.alarm_at is not null;
select r.id || ' waits for nothing'
from penstock_run r
where r.state = 'waiting' and not r.returned and not r.open
    and not exists (select 1 from penstock_wake w where w.n = r.n)
    and not exists (select 1 from penstock_mark m where m.n = r.n);
select r.id || ' is ' || r.state || ' and has a wake'
from penstock_wake w join penstock_run r on r.n = w.n where r.state <> 'waiting';
select r.id || ' would be finished as a plain run, and is none'
from penstock_run r
where r.plain is not null and (
    r.limits is not null or r.key is not null or r.watched or r.children or r.pending or r.ending is not null or r.rollbacks
    or r.parent is not null and not r.over
);
select r.id || ' has the number ' || r.n || ' and the rank ' || coalesce(r.rank, 'none') || ', beyond the counter'
from penstock_run r, penstock_tick t where r.n > t.serial or r.rank > t.serial or r.rank < t.first;
select r.id || ' has a parent that is gone'
from penstock_run r where r.parent is not null and not exists (select 1 from penstock_run p where p.n = r.parent);
select r.id || ' and its parent are not of one tree'
from penstock_run r join penstock_run p on p.n = r.parent
where r.kind <> 'started' and (r.root_id is not coalesce(p.root_id, p.id) or r.depth <> p.depth + 1);
select p.id || ' has children and does not know' from penstock_run p
where not p.children and exists (select 1 from penstock_run c where c.parent = p.n);
select r.id || ' would be looked at for its end at ' || coalesce(r.ends_at, 'no time') || ', which is wrong'
from penstock_run r
where r.ends_at is not case
    when r.ending is null and not r.over then nullif(
        min(
            coalesce(r.deadline_at, 9e18), coalesce(case when r.claims = 0 then r.expires_at end, 9e18),
            coalesce(case when r.open then r.opened_at + 600000000 end, 9e18)
        ),
        9e18
    )
end;
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
);
select 'key ' || quote(k.key) || ' of task ' || k.task || ' stands for ' || k.run_id || ', which is gone, and never expires'
from penstock_key k
where k.expires_at is null and not exists (select 1 from penstock_run r where r.id = k.run_id);
select r.id || ' awaits calls, and has counted them wrong'
from (
    select w.n, e.key as entry,
        json_extract(e.value, '$[1]') - count(case when c.state = 'succeeded' then 1 end) as missing,
        count(case when a.n is not null and (c.n is null or c.over and c.state <> 'succeeded') then 1 end) as bad
    from penstock_wake w
    join json_each(w.calls) e
    left join penstock_awaited a on a.n = w.n and a.entry = e.key
    left join penstock_run c on c.id = a.child_id and c.parent = w.n
    group by w.n, e.key
) x
join penstock_run r on r.n = x.n
left join penstock_entry o on o.n = x.n and o.entry = x.entry
where o.missing is not x.missing or o.bad is not x.bad;
select 'run number ' || b.n || ' is gone, and has left something in ' || b.place
from (
    select n, 'large' as place from penstock_large union all select n, 'tag' from penstock_tag
    union all select n, 'wake' from penstock_wake union all select n, 'entry' from penstock_entry
    union all select n, 'awaited' from penstock_awaited union all select n, 'mark' from penstock_mark
    union all select n, 'step' from penstock_step union all select n, 'signal' from penstock_signal
    union all select n, 'heard' from penstock_heard union all select n, 'log' from penstock_log
    union all select n, 'about' from penstock_about
) b
where not exists (select 1 from penstock_run r where r.n = b.n)
group by b.n, b.place;
select r.id || ' has terms that are not stored'
from penstock_run r where not exists (select 1 from penstock_terms t where t.id = r.terms)
