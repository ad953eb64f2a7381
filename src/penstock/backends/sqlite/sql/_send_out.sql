-- The first members of one queue and priority go out.
-- args: name key queue priority room
update penstock_run set place = 'out', ready = 1
where n in (
    select r.n from penstock_run r
    where r.line_name = :name and r.line_key = :key and r.place = 'line' and r.queue = :queue and r.priority = :priority
    order by r.woken desc, r.rank limit :room
);
insert or ignore into penstock_ring values ('q:' || :queue);
