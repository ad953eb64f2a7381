-- As _plain, for runs that are due, or must be started or finished, at some moment.
-- each: n id task queue version priority input options terms plain rank state ready alarm_at ends_at start_at expires expires_at deadline deadline_at
insert or ignore into penstock_run (
    n, rank, id, task, queue, version, state, ready, priority, enqueued_at, since_at, input, options, terms, plain,
    alarm_at, ends_at, start_at, expires, expires_at, deadline, deadline_at
)
values (
    :n, :rank, :id, :task, :queue, :version, :state, :ready, :priority, :now, :now, :input, :options, :terms, :plain,
    :alarm_at, :ends_at, :start_at, :expires, :expires_at, :deadline, :deadline_at
)
