-- Leave no trace of the run and all below it; a large finished tree goes by a mark. Without its children they go on as
-- trees of their own. A run that is in none of the `states`, or has come there later than `since_at`, is left alone.
-- `parent_token`: as is one whose parent is not held under a lease of this token.
-- args: i run_id children states since_at parent_token now
delete from penstock_below;
insert into penstock_do_below select r.n, 1 from penstock_run r where r.id = :run_id limit 1;
insert into penstock_answer (i, word)
select :i, case
    when r.n is null then 'not_found'
    when r.state not in (select s.value from json_each(:states) s) and :states is not null then 'state'
    when r.since_at > :since_at then 'state'
    when :parent_token is not null and not exists (
        select 1 from penstock_run p where p.n = r.parent and p.state = 'running' and p.token = :parent_token
    ) then 'lost'
    when exists (
        select 1 from penstock_mark m where m.n = r.n and (not :children or m.remove or m.redrive or m.closing)
    ) then 'cascading'
    when r.state = 'running' then 'running'
    when not :children and r.open then 'state'
    when not :children and b.runs > 1000 then 'big'
    when not :children then 'alone'
    when b.running then 'running'
    when b.marked then 'cascading'
    when b.runs <= 1000 then 'small'
    when b.living then 'big'
    else 'marked'
end
from (
    select
        count(*) as runs,
        max(o.state = 'running') as running,
        max(not o.over) as living,
        max(exists (
            select 1 from penstock_mark m where m.n = o.n and m.started -- which reaches further than the tree
        )) as marked
    from penstock_below s join penstock_run o on o.n = s.n
) b
left join penstock_run r on r.id = :run_id;
-- From the top: what is removed tells nobody that is removed, too.
insert into penstock_do_delete
select b.n, 0, :now from penstock_below b
where exists (select 1 from penstock_answer a where a.i = :i and a.word = 'small')
order by b.k;
insert into penstock_do_delete_alone
select r.n, :now from penstock_run r
where r.id = :run_id and exists (select 1 from penstock_answer a where a.i = :i and a.word = 'alone') limit 1;
insert into penstock_mark (n, remove)
select r.n, 1 from penstock_run r
where r.id = :run_id and exists (select 1 from penstock_answer a where a.i = :i and a.word = 'marked')
on conflict (n) do update set remove = 1;
insert or ignore into penstock_ring select 'u' where exists (select 1 from penstock_answer a where a.word = 'marked');
delete from penstock_answer where i = :i and word in ('small', 'alone', 'marked');
