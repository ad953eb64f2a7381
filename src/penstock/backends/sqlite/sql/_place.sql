-- Find a queued run of limited keys its place: the line of the first of them whose slot it has not.
-- args: n now
insert into penstock_do_join
select r.n, :now, d.name, json_extract(e.value, '$[1]'), case when r.claims = 0 then d.full else 'wait' end
from penstock_run r
join json_each(r.limits) e
join penstock_limit d on d.name = json_extract(e.value, '$[0]')
where r.n = :n and r.ending is null and not exists (
    select 1 from penstock_slot s where s.n = r.n and s.name = d.name and s.key = json_extract(e.value, '$[1]')
)
order by e.key limit 1;
-- There is none.
update penstock_run set ready = 1 where n = :n and state = 'queued' and place is null and fair is null;
insert into penstock_do_step_up
select :n, :now from penstock_run r
where r.n = :n and r.state = 'queued' and r.place is null and r.fair is not null and r.ready is null limit 1;
insert or ignore into penstock_ring
select 'q:' || r.queue from penstock_run r where r.n = :n and r.ready;
