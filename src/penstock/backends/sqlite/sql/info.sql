-- Which store this is.
select
    m.store_id, m.namespace, m.clock_offset, (select max(g.version) from penstock_migration g)
from penstock_meta m
