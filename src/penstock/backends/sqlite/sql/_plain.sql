-- A new run that has nothing but itself: no other row is touched. A known id stands for its run.
-- args: n id task queue version input options priority start_at delay expires deadline terms now
insert into penstock_run (
    n, rank, id, task, queue, version, state, place, priority, enqueued_at, since_at, alarm_at, ends_at,
    input, options, terms, start_at, expires, expires_at, deadline, deadline_at
)
select
    :n, case when due.due_at <= :now then :n end, :id, :task, :queue, :version,
    case when due.due_at <= :now then 'queued' else 'scheduled' end, case when due.due_at <= :now then 'ready' end,
    :priority, :now, :now, case when due.due_at > :now then due.due_at end,
    case
        when :expires is null then :now + :deadline
        when :deadline is null then max(due.due_at, :now) + :expires
        else min(max(due.due_at, :now) + :expires, :now + :deadline)
    end,
    :input, :options, :terms, :start_at, :expires, max(due.due_at, :now) + :expires, :deadline, :now + :deadline
from (select coalesce(:start_at, :now + coalesce(:delay, 0)) as due_at) due
where 1
on conflict (id) do nothing;
