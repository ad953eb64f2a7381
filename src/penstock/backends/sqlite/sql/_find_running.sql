-- As find, for runs that are running.
select json_group_array(json_array(c.mark,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from (
    select f.n, f.n as mark from penstock_run f indexed by penstock_alarm
    where f.state = 'running' and f.alarm_at is not null and f.n < :after and (
        -- @include _matches
    )
    order by f.n desc limit :most
) c
cross join penstock_run r on r.n = c.n
-- @include _beside
