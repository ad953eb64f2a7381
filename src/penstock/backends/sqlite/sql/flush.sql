-- Add what a worker saw to the per-minute roll-ups.
-- args: i minute queue task succeeded failed cancelled retried waits times
insert into penstock_rollup values (:minute, :queue, :task, :succeeded, :failed, :cancelled, :retried)
on conflict (minute, queue, task) do update set
    succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed,
    cancelled = cancelled + excluded.cancelled, retried = retried + excluded.retried;
insert into penstock_bucket
select :minute, :queue, :task, 'waits', b.key, b.value from json_each(:waits) b where 1
on conflict (minute, queue, task, what, bucket) do update set n = n + excluded.n;
insert into penstock_bucket
select :minute, :queue, :task, 'times', b.key, b.value from json_each(:times) b where 1
on conflict (minute, queue, task, what, bucket) do update set n = n + excluded.n;
