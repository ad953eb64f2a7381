-- The tasks that somebody has declared.
select d.info, d.seen_at from penstock_definition d order by d.app, d.task, d.version
