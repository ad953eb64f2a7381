-- The rest of _finish, with what stands in the row: the row, and what follows from every end, whoever ended the run.
-- args: n id now state cause cause_id error result by_parent settled was place line_name line_key limits task key key_ttl terms children open parent kind if_fails counted
update penstock_tick set serial = serial + 1 where :state = 'failed';
update penstock_run set
    state = :state, over = 1, since_at = :now, ready = null, ends_at = null,
    dead_no = (
        select t.serial from penstock_tick t, penstock_terms m
        where :state = 'failed' and m.id = terms and m.dead_letter is not null
    ),
    -- A root goes by its own age, unless it is listed; whatever is below goes with it.
    alarm_at = case when parent is null or kind = 'started' then (
        select :now + case when :state = 'succeeded' then m.succeeded else m.failed end
        from penstock_terms m
        where m.id = terms and (:state <> 'failed' or m.dead_letter is null)
    ) end,
    token = null, worker = null, settled = :settled,
    result = :result, error = :error, cause = :cause, cause_id = :cause_id, by_parent = :by_parent,
    blocked_by = null, own_delay = null, returned = 0, open = 0, rollbacks = 0,
    ending = null, ending_cause = null, ending_id = null, ending_error = null, ending_at = null, told = 0,
    if_fails = case when kind = 'dependency' then :if_fails else if_fails end
where n = :n;
-- Its place in a line, and its slots, go to the next.
insert into penstock_do_left select :n, :line_name, :line_key, :now where :place is not null;
insert into penstock_do_give
select s.n, s.name, s.key, :now from penstock_slot s where :limits is not null and s.n = :n;
delete from penstock_wake where :was = 'waiting' and n = :n;
insert into penstock_do_follow_up
select
    :n, :now, case :state when 'succeeded' then m.on_success else m.on_failure end,
    case :state when 'succeeded' then 'on_success' else 'on_failure' end
from penstock_terms m
where m.id = :terms and case :state when 'succeeded' then m.on_success when 'failed' then m.on_failure end is not null
limit 1;
-- Upkeep cancels what it leaves below.
insert into penstock_do_mark_cancel
select :n, :state <> 'succeeded' and (m.siblings <> 'keep' or :open), 1, 0
from penstock_terms m
where :children and m.id = :terms and exists (select 1 from penstock_run c where c.parent = :n) limit 1;
-- The key outlives the run, or goes on.
insert into penstock_do_key_end
select :id, :task, :key, max(:now + :key_ttl, r.enqueued_at + coalesce(r.key_every, 0)), 1, :now from penstock_run r
where :key is not null and r.n = :n limit 1;
insert or ignore into penstock_ring values ('r:' || :id);
insert into penstock_do_tell
select :n, :id, :parent, :kind, :counted, :by_parent, :if_fails, :state, :error, :now
where :parent is not null and :kind <> 'started';
