-- Whether this run may still get children.
-- args: g i parent
insert or ignore into penstock_refused
select :g, :i, 'finished', p.id, 'the parent is finished'
from penstock_run p where p.n = :parent and p.over;
insert or ignore into penstock_refused
select :g, :i, 'cascading', p.id, 'a cancel or removal of the parent is under way'
from penstock_run p
where p.n = :parent and (p.ending is not null or exists (
    select 1 from penstock_mark m
    where m.n = p.n and (m.remove or m.upto is null and (m.dependencies or m.calls or m.started))
));
