-- The lease was lost: count the crash, and end the run or queue it again.
-- args: n now
insert into penstock_do_note values (:n, :now, 'crash', x'', 1);
insert or ignore into penstock_ring select 'l:' || r.id from penstock_run r where r.n = :n;
update penstock_run set crashes = crashes + 1, settled = null where n = :n;
insert into penstock_do_free select :n from penstock_run r where r.n = :n and r.limits is not null limit 1;
insert into penstock_do_rescue_so
select
    :n, :now, case
        when r.ending is not null and (r.crashes >= m.crashes or not r.rollbacks) then 'as asked'
        when r.ending is not null or r.crashes < m.crashes then 'queue'
        when r.rollbacks then 'roll back'
        else 'fail'
    end
from penstock_run r join penstock_terms m on m.id = r.terms where r.n = :n limit 1;
insert into penstock_do_offer_freed select :n, :now from penstock_run r where r.n = :n and r.limits is not null
limit 1;
