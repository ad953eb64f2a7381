-- Note on whom a waiting run waits.
-- args: n
insert or ignore into penstock_awaited
select w.n, i.value, e.key
from penstock_wake w join json_each(w.calls) e join json_each(e.value, '$[0]') i
where w.n = :n;
insert into penstock_do_expect values (:n);
