-- How many runs stand how: of the unfinished all up to the cap, of the finished among the newest.
with recursive
    ready (queue) as (
        select min(r.queue) from penstock_run r where r.ready
        union all
        select (select min(r.queue) from penstock_run r where r.ready and r.queue > q.queue)
        from ready q where q.queue is not null
    )
select queue, state, sum(n), max(cut) from (
    select q.queue, 'queued' as state, (
        select count(*) from (
            select 1 from penstock_run r where r.ready and r.queue = q.queue limit :cap + 1
        )
    ) as n, 0 as cut
    from ready q where q.queue is not null
    union all
    select s.queue, 'queued', sum(s.runs), 0 from penstock_side s group by s.queue
    union all
    select s.queue, 'queued', sum(s.parked), 0 from penstock_stand s group by s.queue having sum(s.parked) > 0
    union all
    select u.queue, 'queued', count(*), 0 from penstock_turn u group by u.queue
    union all
    select o.queue, o.state, count(*), (select count(*) > 5 * :cap from (
        select 1 from penstock_run r where r.state = 'scheduled' and r.alarm_at is not null limit 5 * :cap + 1
    ))
    from (
        select r.queue, r.state from penstock_run r
        where r.state = 'scheduled' and r.alarm_at is not null limit 5 * :cap + 1
    ) o
    group by o.queue
    union all
    select r.queue, r.state, count(*), 0 from penstock_run r
    where r.state = 'running' and r.alarm_at is not null group by r.queue
    union all
    select o.queue, o.state, count(*), 0
    from (select r.queue, r.state from penstock_run r where r.state = 'waiting' limit 5 * :cap + 1) o
    group by o.queue
    union all
    select o.queue, o.state, count(*), (select count(*) > 5 * :cap from (
        select 1 from penstock_run r order by r.n desc limit 5 * :cap + 1
    ))
    from (select r.queue, r.state from penstock_run r order by r.n desc limit 5 * :cap + 1) o
    where o.state = 'succeeded' or o.state = 'failed' or o.state = 'cancelled'
    group by o.queue, o.state
)
group by queue, state
order by queue, state
