-- Another dependency that ended badly under `block` and still does not count takes the place of the one that blocked.
-- args: n
update penstock_run set blocked_by = (
    select c.id from penstock_run c
    where c.parent = :n and c.kind = 'dependency' and c.if_fails = 'block' and not c.counted and not c.by_parent
        and c.over and c.state <> 'succeeded'
    order by c.seq limit 1
)
where n = :n;
