-- The children of a run in the order given; not those that failed under `remove`.
select json_group_array(json_array(c.mark,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from (
    select f.n, f.seq as mark from penstock_run f
    where f.parent = (select u.n from penstock_run u where u.id = :run_id) and f.seq > :after
        and not (
            f.kind = 'dependency' and f.if_fails = 'remove' and f.over and f.state <> 'succeeded' and not f.by_parent
        )
    order by f.seq limit :most
) c
cross join penstock_run r on r.n = c.n
-- @include _beside
