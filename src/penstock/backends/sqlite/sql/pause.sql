-- Stop or resume starts of a queue, a task or one key of a limit, or the ticks of a schedule.
-- args: kind name paused line key now
update penstock_schedule set paused = :paused, revision = revision + 1
where :kind = 'schedule' and name = :name and paused <> :paused;
insert or ignore into penstock_ring select 'u' where :kind = 'schedule';
insert or ignore into penstock_line (name, key)
select :line, :key where :kind = 'limit' and exists (select 1 from penstock_limit d where d.name = :line);
insert or ignore into penstock_pause select :kind, :name
where :paused and :kind <> 'schedule'
    and (:kind <> 'limit' or exists (select 1 from penstock_limit d where d.name = :line));
delete from penstock_pause where kind = :kind and name = :name and not :paused;
insert into penstock_do_offer select :line, :key, :now where :kind = 'limit' and not :paused;
insert or ignore into penstock_ring select 'q:' || :name where :kind = 'queue' and not :paused;
insert or ignore into penstock_ring
select 'q:' || s.queue from penstock_side s where :kind = 'task' and not :paused and s.task = :name;
