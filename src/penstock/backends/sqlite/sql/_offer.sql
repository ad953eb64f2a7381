-- Send parked members of a line out while there is room for their queue and priority. Harmless to repeat.
-- args: name key now
insert into penstock_do_send_out
select s.name, s.key, s.queue, s.priority, (
    -- @include _room
) - s.out, :now
from penstock_stand s
join penstock_line l on l.name = s.name and l.key = s.key
join penstock_limit d on d.name = s.name
where s.name = :name and s.key = :key and s.parked > 0 and s.out < (
    -- @include _room
);
-- A limit that is no more holds nobody up.
insert or ignore into penstock_ring
select 'q:' || s.queue from penstock_stand s
where s.name = :name and s.key = :key and not exists (select 1 from penstock_limit d where d.name = :name);
insert into penstock_do_step_up
select r.n, :now from penstock_run r
where r.line_name = :name and r.line_key = :key and r.place = 'line' and r.fair is not null
    and not exists (select 1 from penstock_limit d where d.name = :name)
order by r.queue, r.priority, r.woken desc, r.rank;
update penstock_run set ready = coalesce(ready, 1), place = null, line_name = null, line_key = null
where line_name = :name and line_key = :key and not exists (select 1 from penstock_limit d where d.name = :name);
