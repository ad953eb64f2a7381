-- Know it no more, unless somebody has declared it since. Runs of it stay.
-- args: app task version seen_at
insert into penstock_answer (i, word)
select 0, case when d.app is null then 'not_found' when d.seen_at <> :seen_at then 'state' else 'ok' end
from (select 1) left join penstock_definition d on d.app = :app and d.task = :task and d.version = :version;
delete from penstock_definition where app = :app and task = :task and version = :version and seen_at = :seen_at;
