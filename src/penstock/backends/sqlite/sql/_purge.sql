-- A finished root goes with its whole tree, if all of that has finished and nothing of it is listed or marked.
-- args: n now
select raise(ignore)
where (select x.left_over <= 0 from penstock_tending x)
    or not exists (select 1 from penstock_run r where r.n = :n and r.alarm_at is not null);
delete from penstock_below;
insert into penstock_do_below values (:n, 1);
insert into penstock_do_purge_so
select :n, :now, case
    when exists (
        select 1 from penstock_below b join penstock_run o on o.n = b.n
        where not o.over or o.dead_no is not null
            or exists (select 1 from penstock_mark m where m.n = o.n)
    ) then 'later'
    when (select count(*) from penstock_below) > x.left_over then 'mark'
    else 'now'
end
from penstock_tending x limit 1;
