-- A task as some worker or client declared it.
-- args: i app task version info now
insert into penstock_definition values (:app, :task, :version, :info, :now)
on conflict (app, task, version) do update set info = excluded.info, seen_at = excluded.seen_at;
