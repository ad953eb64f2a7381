-- Count a child that has just ended with its parent.
-- args: n id parent kind counted by_parent if_fails state error now
update penstock_run set finishes = finishes + 1, idle_claims = 0 where n = :parent and not over;
update penstock_entry set missing = missing - (:state = 'succeeded'), bad = bad + (:state <> 'succeeded')
where n = :parent
    and entry in (select a.entry from penstock_awaited a where a.n = :parent and a.child_id = :id);
insert into penstock_do_count
select :parent, :n, :id, :now where :kind = 'dependency' and not :counted and :state = 'succeeded';
insert into penstock_do_policy
select :parent, :n, :id, :if_fails, :error, :now
where :kind = 'dependency' and not :counted and :state <> 'succeeded' and not :by_parent;
insert into penstock_do_wake
select :parent, :now where :kind <> 'dependency' or :counted or :state <> 'succeeded' and :by_parent;
