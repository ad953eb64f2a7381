-- The one way to end a life: the row. What follows from it is in _finished.
-- args: n now state cause cause_id error result by_parent settled
update penstock_tick set serial = serial + 1 where :state = 'failed';
update penstock_run set
    state = :state, since_at = :now, place = null, line_name = null, line_key = null, ends_at = null,
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
    token = null, worker = null, settled = coalesce(:settled, settled),
    result = :result, error = :error, cause = :cause, cause_id = :cause_id, by_parent = :by_parent,
    blocked_by = null, own_delay = null, returned = 0, open = 0, rollbacks = 0,
    ending = null, ending_cause = null, ending_id = null, ending_error = null, ending_at = null, told = 0
where n = :n;
