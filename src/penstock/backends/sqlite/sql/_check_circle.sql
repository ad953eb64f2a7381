-- Whether the way up from this run, by the group's edges and the stored ones, comes back to it.
-- args: g i id
insert or ignore into penstock_refused
with recursive above (id) as (
    select (select o.parent_id from penstock_incoming o where o.g = :g and o.id = :id and o.parent_id is not null)
    union
    select coalesce(
        (select o.parent_id from penstock_incoming o where o.g = :g and o.id = a.id and o.parent_id is not null),
        (select p.id from penstock_run r join penstock_run p on p.n = r.parent where r.id = a.id)
    )
    from above a where a.id is not null and a.id <> :id
)
select :g, :i, 'cycle', :id, 'the run would depend on itself' from above a where a.id = :id;
