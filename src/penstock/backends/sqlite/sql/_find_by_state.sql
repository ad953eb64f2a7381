-- As find, for runs that wait or ended badly.
select json_group_array(json_array(c.mark,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from (
    select f.n, f.n as mark from (
        select * from (
            select f.n from penstock_run f indexed by penstock_rare
            where f.state = 'waiting' and f.n < :after and (
                -- @include _matches
            )
            order by f.n desc limit :most
        )
        union all
        select * from (
            select f.n from penstock_run f indexed by penstock_rare
            where f.state = 'failed' and f.n < :after and (
                -- @include _matches
            )
            order by f.n desc limit :most
        )
        union all
        select * from (
            select f.n from penstock_run f indexed by penstock_rare
            where f.state = 'cancelled' and f.n < :after and (
                -- @include _matches
            )
            order by f.n desc limit :most
        )
    ) f
    order by f.n desc limit :most
) c
cross join penstock_run r on r.n = c.n
-- @include _beside
