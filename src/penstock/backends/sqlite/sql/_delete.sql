-- Leave no trace of the run. `keep_key`: what its key stands for stays; its parent no longer waits for it.
-- args: n keep_key now
insert into penstock_do_delete_row
select
    :n, r.id, r.parent, r.kind, r.children, r.limits, r.task, r.key, r.tags, :keep_key, :now,
    r.ready is not null or r.place is not null
from penstock_run r where r.n = :n limit 1;
