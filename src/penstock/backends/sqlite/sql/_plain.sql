-- New runs that have nothing but themselves, and are ready. What is known by its id is left alone, as is padding.
-- each: n id task queue version priority input options terms plain
insert or ignore into penstock_run (
    n, rank, id, task, queue, version, state, ready, priority, enqueued_at, since_at, input, options, terms, plain
)
values (:n, :n, :id, :task, :queue, :version, 'queued', 1, :priority, :now, :now, :input, :options, :terms, :plain)
