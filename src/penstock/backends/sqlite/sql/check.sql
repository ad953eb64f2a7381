-- Everything that is wrong, one sentence each.
select r.id || ' has pending ' || r.pending || ', and not so many dependencies that do not count'
from penstock_run r
where r.pending <> (
    select count(*) from penstock_run c where c.parent = r.n and c.kind = 'dependency' and not c.counted
)
