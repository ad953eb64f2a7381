-- Into the line of a limit: out, if there is room and nobody of its queue and priority waits, else parked.
-- args: n now name key full
insert or ignore into penstock_line (name, key) values (:name, :key);
insert into penstock_do_stand_first select :n, :now, :name, :key where :full = 'replace';
update penstock_run set line_name = :name, line_key = :key, place = 'out', ready = case when fair is null then 1 end
where n = :n and :full <> 'replace' and (:full = 'drop' or exists ( -- what is to be dropped, its claim finds out
    select 1
    from penstock_line l
    join penstock_limit d on d.name = l.name
    left join penstock_stand s on s.name = l.name and s.key = l.key
        and s.queue = penstock_run.queue and s.priority = penstock_run.priority
    where l.name = :name and l.key = :key and coalesce(s.parked, 0) = 0 and coalesce(s.out, 0) < (
        -- @include _room
    )
));
insert into penstock_do_step_up
select :n, :now from penstock_run r where r.n = :n and r.place = 'out' and r.fair is not null and r.ready is null limit 1;
update penstock_run set line_name = :name, line_key = :key, place = 'line' where n = :n and place is null;
