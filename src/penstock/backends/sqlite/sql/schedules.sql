-- All schedules by name or, if `due`, those whose next tick has come, earliest first.
select
    s.name, s.app, s.task, s.spec, s.next_at, s.revision, s.paused, s.fired, s.skipped, s.last_at
from penstock_schedule s
where not :due or s.next_at <= :now and not s.paused
order by case when :due then s.next_at end, s.name limit :most
