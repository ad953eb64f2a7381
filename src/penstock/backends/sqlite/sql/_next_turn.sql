-- Who stands first behind those of its value with a turn gets one, if there is room.
-- args: queue fair
insert into penstock_do_give_turn
select b.n, :queue
from (
    select u.n, u.weight from penstock_turn u indexed by penstock_behind
    where u.queue = :queue and u.fair = :fair and u.turn is null
    order by u.priority desc, u.woken desc, u.rank limit 1
) b
where b.weight > (
    select count(*) from penstock_turn u indexed by penstock_up
    where u.queue = :queue and u.fair = :fair and u.turn is not null
) limit 1;
