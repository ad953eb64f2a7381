-- Whether a run may become a child as it says.
-- args: g i id parent_id kind holder limits known parent above
select raise(ignore) where exists (select 1 from penstock_refused f where f.g = :g);
update penstock_incoming set depth = :above + 1
where :kind <> 'started' and :above is not null and g = :g and i = :i;
insert or ignore into penstock_refused
select :g, :i, 'invalid', :id, 'calls and started children are spawned by the run that holds the lease'
where :holder is null and :kind <> 'dependency';
insert or ignore into penstock_refused
select :g, :i, 'not_found', :parent_id, 'no such parent' where :above is null;
insert or ignore into penstock_refused
select :g, :i, 'deep', :id, 'more than 64 levels'
from penstock_incoming o where o.g = :g and o.i = :i and o.depth > 64;
insert or ignore into penstock_refused
select :g, :i, 'invalid', :id, 'a run with a key is no dependency'
from penstock_run r where r.n = :known and :kind <> 'started' and r.key is not null;
insert into penstock_do_check_adoption select :g, :i, :known, :parent, :parent_id, :kind where :known is not null;
insert or ignore into penstock_refused
select :g, :i, 'running', p.id, 'a running run gets children from its holder, or by attach'
from penstock_run p where :known is null and :holder is null and p.n = :parent and p.state = 'running';
insert into penstock_do_check_parent select :g, :i, :parent where :known is null and :parent is not null;
