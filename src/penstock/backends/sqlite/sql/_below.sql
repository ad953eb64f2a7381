-- The run and, if `whole`, all its dependencies and calls, parents first.
-- args: n whole
insert into penstock_below (n)
with recursive below (n, level) as (
    select :n, 0
    union all
    select r.n, b.level + 1 from below b join penstock_run r on r.parent = b.n where :whole and r.kind <> 'started'
    order by 2
)
select b.n from below b;
