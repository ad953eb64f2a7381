-- The one way to end a life.
-- args: n now state cause cause_id error result by_parent settled
insert into penstock_do_finish_so
select
    :n, r.id, :now, :state, :cause, :cause_id, :error, :result, :by_parent, coalesce(:settled, r.settled),
    r.state, coalesce(r.place, case when r.ready = 0 then 'turn' end), r.line_name, r.line_key, r.limits, r.task, r.key, r.key_ttl, r.terms, r.children, r.open,
    r.parent, r.kind,
    -- A flow that was never stored whole: for the parent there has been no such child.
    case when r.open and r.opened_at is not null and :state = 'cancelled' and not coalesce(:by_parent, 0) then 'remove' else r.if_fails end,
    r.counted
from penstock_run r where r.n = :n limit 1;
