-- The runs of these ids, as far as they are known.
select json_group_array(json_array(i.key,
    -- @include _run
)), cast(group_concat(
    -- @include _payloads
, '') as blob)
from json_each(:ids) i
cross join penstock_run r on r.id = i.value
-- @include _beside
