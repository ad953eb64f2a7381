-- A newcomer that is parked at a limit that replaces asks the oldest holder to end.
-- args: n now
insert into penstock_do_end
select h.n, :now, 'cancelled', 'limit', null, null, 0
from (
    select s.n from penstock_run r
    join penstock_limit d on d.name = r.line_name and d.full = 'replace'
    join penstock_slot s on s.name = r.line_name and s.key = r.line_key
    where r.n = :n and r.place = 'line' and r.claims = 0 and not exists (
        select 1 from penstock_pause x where x.kind = 'limit' and x.name = r.line_name || ':' || r.line_key
    )
    order by s.no limit 1
) o
join penstock_run h on h.n = o.n
where h.ending is null limit 1;
