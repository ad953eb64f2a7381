-- End a run whoever holds it: by request if it is running or has rollbacks to run first, else at once.
-- args: n now state cause cause_id error by_parent
insert into penstock_do_end_so
select
    case
        when r.state = 'running' then 'ask'
        when r.ending is not null then 'leave' -- queued for its rollbacks: on its way already
        when r.rollbacks then 'roll back'
        else 'finish'
    end,
    :n, :now, :state, :cause, :cause_id, :error, :by_parent
from penstock_run r where r.n = :n limit 1;
