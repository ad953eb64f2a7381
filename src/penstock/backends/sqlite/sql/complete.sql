-- The handler returned.
-- args: i run_id token result now
-- Nothing else follows from most ends.
update penstock_run set
    state = 'succeeded', over = 1, since_at = :now, alarm_at = :now + plain, ends_at = null, token = null, worker = null,
    settled = 'complete ' || :token, result = :result
where id = :run_id and token = :token and state = 'running' and plain is not null;
insert into penstock_do_complete_any select :i, :run_id, :token, :result, :now where changes() = 0;
