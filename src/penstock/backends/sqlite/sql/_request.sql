-- Ask the run to end so. The first request stands.
-- args: n now state cause cause_id error by_parent
update penstock_run set
    ending = :state, ending_cause = :cause, ending_id = :cause_id, ending_error = :error, by_parent = :by_parent,
    ending_at = :now, ends_at = null, plain = null,
    crashes = case when rollbacks then 0 else crashes end -- the rollbacks have lives of their own to lose
where n = :n and ending is null;
