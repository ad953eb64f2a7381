-- The one way to end a life.
-- args: n now state cause cause_id error result by_parent settled
insert into penstock_do_finish_so
select
    :n, r.id, :now, :state, :cause, :cause_id, :error, :result, :by_parent, coalesce(:settled, r.settled),
    r.state, coalesce(r.place, case when r.ready = 0 then 'turn' end), r.line_name, r.line_key, r.limits, r.task, r.key, r.key_ttl, r.terms, r.children, r.open,
    r.parent, r.kind, r.if_fails, r.counted
from penstock_run r where r.n = :n limit 1;
