-- What is wrong with the runs, one sentence each; beside them the other audits.
select r.id || ' has pending ' || r.pending || ', and another number of dependencies that do not count'
from penstock_run r
where r.pending <> (
    select count(*) from penstock_run c where c.parent = r.n and c.kind = 'dependency' and not c.counted
);
select r.id || ' is ' || r.state || ' and over = ' || r.over
from penstock_run r where r.over <> (r.state in ('succeeded', 'failed', 'cancelled'));
select r.id || ' is ' || r.state || ', ready: ' || coalesce(r.ready, 'no') || ', in place ' || coalesce(r.place, 'none')
from penstock_run r
where (r.state = 'queued') <> (r.ready is not null or r.place is not null)
    or (r.ready is not null) <> (r.state = 'queued' and coalesce(r.place, 'out') = 'out')
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
    r.limits is not null or r.key is not null or r.children or r.pending or r.ending is not null or r.rollbacks
    or r.parent is not null and not r.over
);
select r.id || ' has the number ' || r.n || ' and the rank ' || coalesce(r.rank, 'none') || ', beyond the counter'
from penstock_run r, penstock_tick t where r.n > t.serial or r.rank > t.serial or r.rank < -t.serial;
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
end
