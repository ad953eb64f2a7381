-- What is wrong with the turns of fair runs and with who waits for a key, one sentence each.
select r.id || ' is fair, ready: ' || coalesce(r.ready, 'no') || ', and among the turns: ' || (u.n is not null)
from penstock_run r left join penstock_turn u on u.n = r.n
where (r.ready is 0) <> (u.n is not null) or r.ready and r.fair is not null
    or u.n is not null and (r.fair, r.queue, r.weight, r.priority, r.woken, r.rank)
        is not (u.fair, u.queue, u.weight, u.priority, u.woken, u.rank);
select 'run number ' || u.n || ' has a turn and is gone'
from penstock_turn u where not exists (select 1 from penstock_run r where r.n = u.n);
select 'value ' || quote(v.fair) || ' has room in queue ' || v.queue || ', and runs stand behind'
from (
    select u.queue, u.fair, sum(u.turn is not null) as up, (
        select b.weight from penstock_turn b where b.queue = u.queue and b.fair = u.fair and b.turn is null
        order by b.priority desc, b.woken desc, b.rank limit 1
    ) as room
    from penstock_turn u group by u.queue, u.fair
) v
where v.up < v.room;
select 'run number ' || b.n || ' stands behind one of its value ' || quote(b.fair) || ' that goes later'
from penstock_turn b
where b.turn is null and exists (
    select 1 from penstock_turn u
    where u.queue = b.queue and u.fair = b.fair and u.turn is not null
        and (u.priority, u.woken, -u.rank) < (b.priority, b.woken, -b.rank)
);
select 'key ' || quote(k.key) || ' of task ' || k.task || ' is to go to ' || k.next_id || ', which does not wait for it'
from penstock_key k
where k.next_id is not null and not exists (select 1 from penstock_run r where r.id = k.next_id and r.state = 'waiting')
