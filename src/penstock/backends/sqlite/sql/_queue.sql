-- The run is ready: out, in the line of a limit, or dropped by it. `fresh`: with a new rank; `woken`: NULL = as it was.
-- args: n now fresh woken
update penstock_tick set serial = serial + 1
where :fresh or exists (select 1 from penstock_run r where r.n = :n and r.rank is null);
update penstock_run set
    state = 'queued', since_at = :now, alarm_at = null, token = null, worker = null, returned = 0,
    rank = case when :fresh or rank is null then (
        select case when exists (select 1 from penstock_lifo f where f.terms = penstock_run.terms)
            then -t.serial else t.serial end
        from penstock_tick t
    ) else rank end,
    woken = case when :fresh then 0 else coalesce(:woken, woken) end,
    -- Only rollbacks are left of a run that ends: no limit holds these up.
    ready = case when fair is null and (limits is null or ending is not null) then 1 end
where n = :n;
delete from penstock_wake where n = :n;
insert or ignore into penstock_ring
select 'q:' || r.queue from penstock_run r where r.n = :n and r.ready;
insert into penstock_do_place select :n, :now from penstock_run r where r.n = :n and r.ready is null limit 1;
