-- End the run as it was asked to.
-- args: n now
insert into penstock_do_finish
select :n, :now, r.ending, r.ending_cause, r.ending_id, r.ending_error, null, r.by_parent, null
from penstock_run r where r.n = :n limit 1;
