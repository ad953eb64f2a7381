-- Create or change a schedule; its revision grows if anything changed. With `was` only if it stands there.
-- args: name app task spec next_at paused was
insert into penstock_schedule (name, app, task, spec, next_at, paused)
select :name, :app, :task, :spec, :next_at, :paused
where coalesce(:was, 0) = 0 or exists (select 1 from penstock_schedule s where s.name = :name)
on conflict (name) do update set
    app = excluded.app, task = excluded.task, spec = excluded.spec, next_at = excluded.next_at,
    revision = revision + 1
where (app <> excluded.app or task <> excluded.task or spec <> excluded.spec) and coalesce(:was, revision) = revision;
insert or ignore into penstock_ring values ('u');
