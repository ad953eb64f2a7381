-- What the minutes saw.
select
    u.minute, u.queue, u.task, u.succeeded, u.failed, u.cancelled, u.retried,
    (
        select json_group_array(b.n) from (
            select b.n from penstock_bucket b
            where b.minute = u.minute and b.queue = u.queue and b.task = u.task and b.what = 'waits' order by b.bucket
        ) b
    ),
    (
        select json_group_array(b.n) from (
            select b.n from penstock_bucket b
            where b.minute = u.minute and b.queue = u.queue and b.task = u.task and b.what = 'times' order by b.bucket
        ) b
    )
from penstock_rollup u
where u.minute >= :since and u.minute < :until
order by u.minute, u.queue, u.task
