-- Add a line to the run's log. `timed`: it speaks of the attempt that began with the last claim. Of a run that has ended it
-- says how many attempts there were, else in which one it is.
-- args: n now kind data timed
update penstock_run set log_seq = log_seq + 1 where n = :n;
insert into penstock_log
select r.n, r.log_seq, :now, :kind, :data, r.failures + (not r.over or r.state = 'succeeded'), r.worker, case when :timed then r.started_at end
from penstock_run r where r.n = :n;
