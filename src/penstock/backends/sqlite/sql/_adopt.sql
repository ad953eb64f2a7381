-- An existing run becomes a dependency: what it has come to counts at once.
-- args: n parent if_fails name cascade now
select raise(ignore) where exists (
    select 1 from penstock_run r, penstock_run p
    where r.n = :n and p.n = :parent and (r.parent = p.n or p.over)
);
insert into penstock_do_cut values (:n);
update penstock_tick set serial = serial + 1;
update penstock_run set
    parent = :parent, plain = null, seq = (select t.serial from penstock_tick t), kind = 'dependency', if_fails = :if_fails,
    name = :name, cascade = :cascade, counted = 0,
    alarm_at = case when over then null else alarm_at end
where n = :n;
insert into penstock_do_reroot
select :n, coalesce(p.root_id, p.id), p.depth + 1 from penstock_run p where p.n = :parent limit 1;
update penstock_run set children = 1, plain = null, pending = pending + 1 where n = :parent;
insert into penstock_do_hold_back
select :parent, :now from penstock_run r
where r.n = :n and not r.over limit 1;
insert into penstock_do_count
select :parent, :n, r.id, :now from penstock_run r where r.n = :n and r.state = 'succeeded' limit 1;
insert into penstock_do_policy
select :parent, :n, r.id, :if_fails, r.error, :now from penstock_run r where r.n = :n and r.over and r.state <> 'succeeded'
limit 1;
