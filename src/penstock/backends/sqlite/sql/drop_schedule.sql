-- Fire no more. Runs of it stay. With `was` only if it stands at that revision.
-- args: name was
insert into penstock_answer (i, word)
select 0, case when s.name is null then 'not_found' when s.revision <> :was then 'state' else 'ok' end
from (select 1) left join penstock_schedule s on s.name = :name;
delete from penstock_schedule where name = :name and coalesce(:was, revision) = revision;
