-- A fair run is ready: among those of its value with a turn, if few have one, or instead of one it goes before; else behind.
-- args: n now
update penstock_run set ready = 0 where n = :n;
insert into penstock_turn (n, queue, fair, weight, priority, woken, rank)
select r.n, r.queue, r.fair, r.weight, r.priority, r.woken, r.rank from penstock_run r where r.n = :n;
insert into penstock_do_stepped_up
select :n, r.queue, r.fair, (
    select u.n from penstock_turn u indexed by penstock_up
    where u.queue = r.queue and u.fair = r.fair and u.turn is not null
    order by u.priority, u.woken, u.rank desc limit 1
), :now
from penstock_run r where r.n = :n limit 1;
