-- The runs on a dead-letter list, or on any; the latest first.
select json_group_array(json_array(c.mark,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from (
    select f.n, f.dead_no as mark from penstock_run f join penstock_terms m on m.id = f.terms
    where f.dead_no is not null and f.dead_no < :after and (:name is null or m.dead_letter = :name)
    order by f.dead_no desc limit :most
) c
cross join penstock_run r on r.n = c.n
-- @include _beside
