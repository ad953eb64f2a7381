-- What follows from every end of a life, whoever ended it.
-- on: after update of state on penstock_run when new.state in ('succeeded', 'failed', 'cancelled') and old.state <> new.state
-- Its place in a line, and its slots, go to the next.
insert into penstock_do_offer select old.line_name, old.line_key, new.since_at where old.line_name is not null;
insert into penstock_do_give
select s.n, s.name, s.key, new.since_at from penstock_slot s where new.limits is not null and s.n = new.n;
delete from penstock_wake where old.state = 'waiting' and n = new.n;
-- The key outlives the run.
update penstock_key set expires_at = new.since_at + new.key_ttl
where task = new.task and key = new.key and run_id = new.id;
insert into penstock_do_follow_up
select
    new.n, new.since_at, case new.state when 'succeeded' then m.on_success else m.on_failure end,
    case new.state when 'succeeded' then 'on_success' else 'on_failure' end
from penstock_terms m
where m.id = new.terms
    and case new.state when 'succeeded' then m.on_success when 'failed' then m.on_failure end is not null;
-- Upkeep cancels what it leaves below.
insert into penstock_do_mark_cancel
select new.n, new.state <> 'succeeded' and (m.siblings <> 'keep' or old.open), 1, 0
from penstock_terms m
where new.children and m.id = new.terms and exists (select 1 from penstock_run c where c.parent = new.n);
insert or ignore into penstock_ring select 'r:' || new.id where new.watched;
insert into penstock_do_tell
select
    new.n, new.id, new.parent, new.kind, new.counted, new.by_parent, new.if_fails, new.state, new.error, new.since_at
where new.parent is not null and new.kind <> 'started';
