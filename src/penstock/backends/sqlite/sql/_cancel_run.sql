-- Cancel one run, at once or by request, and mark what is below it.
-- args: n now cause by_parent reason cascade
update penstock_run set reason = :reason where n = :n and ending is null and :reason <> '';
insert into penstock_do_mark_cancel
select :n, :cascade or m.siblings <> 'keep', 1, :cascade
from penstock_run r join penstock_terms m on m.id = r.terms
where r.n = :n and r.children and exists (select 1 from penstock_run c where c.parent = :n) limit 1;
insert into penstock_do_cancel_so
select r.ending is not null and r.state = 'queued' and not r.rollbacks, :n, :now, :cause, :by_parent
from penstock_run r where r.n = :n limit 1;
