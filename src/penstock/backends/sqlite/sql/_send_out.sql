-- The first members of one queue and priority go out.
-- args: name key queue priority room now
update penstock_run set place = 'out', ready = case when fair is null then 1 end
where n in (
    select r.n from penstock_run r
    where r.line_name = :name and r.line_key = :key and r.place = 'line' and r.queue = :queue and r.priority = :priority
    order by r.woken desc, r.rank limit :room
);
insert into penstock_do_step_up
select r.n, :now from penstock_run r
where r.line_name = :name and r.line_key = :key and r.place = 'out' and r.queue = :queue and r.priority = :priority
    and r.fair is not null and r.ready is null
order by r.woken desc, r.rank;
insert or ignore into penstock_ring values ('q:' || :queue);
