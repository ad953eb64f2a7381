-- Stop or resume starts of a queue or task, or the ticks of a schedule.
-- args: kind name paused
update penstock_schedule set paused = :paused, revision = revision + 1
where :kind = 'schedule' and name = :name and paused <> :paused;
insert or ignore into penstock_ring select 'u' where :kind = 'schedule';
insert or ignore into penstock_pause select :kind, :name where :kind <> 'schedule' and :paused;
delete from penstock_pause where kind = :kind and name = :name and not :paused;
insert or ignore into penstock_ring select 'q:' || :name where :kind = 'queue' and not :paused;
insert or ignore into penstock_ring
select 'q:' || s.queue from penstock_side s where :kind = 'task' and not :paused and s.task = :name;
