-- Create or change a schedule; its revision grows if anything changed.
-- args: name app task spec next_at paused
insert into penstock_schedule (name, app, task, spec, next_at, paused)
values (:name, :app, :task, :spec, :next_at, :paused)
on conflict (name) do update set
    app = excluded.app, task = excluded.task, spec = excluded.spec, next_at = excluded.next_at,
    revision = revision + 1
where app <> excluded.app or task <> excluded.task or spec <> excluded.spec;
insert or ignore into penstock_ring values ('u');
