-- Let a run that stands nowhere wait in the line of a full limit. The limit may drop it instead, or ask its holder to go.
-- args: n now name key
insert into penstock_do_finish
select :n, :now, 'cancelled', 'limit', null, null, null, 0, null
from penstock_run r, penstock_limit d where r.n = :n and d.name = :name and d.full = 'drop' and r.claims = 0
    and not exists (select 1 from penstock_pause x where x.kind = 'limit' and x.name = :name || ':' || :key) limit 1;
update penstock_run set line_name = :name, line_key = :key, place = 'line' where n = :n and state = 'queued';
insert into penstock_do_replace_holder select :n, :now from penstock_run r where r.n = :n and r.place = 'line'
limit 1;
