-- As find, for the children of one run.
select json_group_array(json_array(c.mark,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from (
    select f.n, f.n as mark
    from penstock_run f indexed by penstock_child
    where f.parent = (select u.n from penstock_run u where u.id = :parent_id) and f.n < :after and (
        -- @include _matches
    )
    order by f.n desc limit :most
) c
cross join penstock_run r on r.n = c.n
-- @include _beside
