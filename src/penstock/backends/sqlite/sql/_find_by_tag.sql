-- As find, for the runs with one tag.
select json_group_array(json_array(c.mark,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from (
    select f.n, f.n as mark from penstock_tag g cross join penstock_run f on f.n = g.n
    where g.tag = :tag and g.n < :after and (
        -- @include _matches
    )
    order by g.n desc limit :most
) c
cross join penstock_run r on r.n = c.n
-- @include _beside
