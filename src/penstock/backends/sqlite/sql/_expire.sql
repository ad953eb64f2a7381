-- End one run that is late. What is no longer so is looked at when it will be.
-- args: n now
insert into penstock_do_expire_so
select :n, :now, case
    when r.open and r.opened_at + 600000000 <= :now and not exists (select 1 from penstock_mark m where m.n = r.n)
        then 'abandoned'
    when r.deadline_at <= :now then 'deadline'
    when r.expires_at <= :now and r.claims = 0 then 'expired'
end
from penstock_run r where r.n = :n and r.ends_at <= :now and r.ending is null limit 1;
insert into penstock_do_ends select :n from penstock_run r where r.n = :n and r.ends_at <= :now limit 1;
