-- Whether an existing run may become this dependency.
-- args: g i known parent parent_id kind
select raise(ignore)
where :kind = 'started' or exists (select 1 from penstock_refused f where f.g = :g)
    or exists (select 1 from penstock_run r where r.n = :known and r.parent = :parent);
insert into penstock_do_check_parent select :g, :i, :parent where :parent is not null;
insert or ignore into penstock_refused
select :g, :i, 'has_parent', r.id, 'the id is taken by a run that is no child of this one'
from penstock_run r where r.n = :known and :kind <> 'dependency';
insert or ignore into penstock_refused
select :g, :i, 'has_parent', p.id, 'the run has another parent that lives'
from penstock_run r join penstock_run p on p.n = r.parent
where r.n = :known and r.kind <> 'started' and not p.over;
insert or ignore into penstock_refused
with recursive above (n) as (
    select :parent
    union
    select r.parent from above a join penstock_run r on r.n = a.n where r.parent is not null
)
select :g, :i, 'cycle', r.id, 'the run would depend on itself'
from above a join penstock_run r on r.n = a.n where a.n = :known;
insert or ignore into penstock_refused
select :g, :i, 'state', r.id, 'the run belongs to an open flow'
from penstock_run r where r.n = :known and r.open and r.state = 'waiting';
select raise(ignore) where exists (select 1 from penstock_refused f where f.g = :g);
delete from penstock_below;
insert into penstock_do_below values (:known, 1);
insert into penstock_do_check_held
select :g, :i, :parent_id, o.limits from penstock_below b join penstock_run o on o.n = b.n
where o.limits is not null order by b.k;
insert or ignore into penstock_refused
select :g, :i, 'big', r.id, 'more than 1000 runs below it'
from penstock_run r where r.n = :known and 1000 < (select count(*) from penstock_below);
insert or ignore into penstock_refused
select :g, :i, 'deep', r.id, 'more than 64 levels'
from penstock_run r where r.n = :known and 64 <= (
    select max(o.depth) from penstock_below b join penstock_run o on o.n = b.n
) - r.depth + coalesce((select p.depth from penstock_run p where p.n = :parent), 0);
