-- The run has no parent any more: what waited for it there must know, and if it is finished, it goes by its own age.
-- args: n parent id
update penstock_run set
    parent = null, seq = null, kind = null, if_fails = null, name = null, root_id = null, counted = 0, cascade = 1,
    alarm_at = case
        when over then (
            select since_at + case when state = 'succeeded' then m.succeeded else m.failed end
            from penstock_terms m where m.id = terms and dead_no is null
        )
        else alarm_at
    end
where n = :n;
insert into penstock_do_expect
select :parent where exists (select 1 from penstock_awaited a where a.n = :parent and a.child_id = :id);
