-- A fair run leaves; if it had a turn, the next of its value takes one.
-- args: n
insert into penstock_do_stepped_out
select :n, u.queue, u.fair, u.turn, (
    select max(b.weight) from penstock_turn b where b.queue = u.queue and b.fair = u.fair
)
from penstock_turn u where u.n = :n limit 1;
