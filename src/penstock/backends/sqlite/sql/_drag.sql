-- One look at a time: as many as it takes if nothing is in the way; then up to 100 runs beyond what is wanted.
-- args: queue now
insert into penstock_do_look_next
select :queue, :now
from penstock_claiming c cross join penstock_counter i
where c.one = 1 and i.i <= c.wanted + min(0, 100 - c.untaken) - (select count(*) from penstock_taken)
order by i.i;
insert into penstock_do_look_next
select :queue, :now
from penstock_claiming c cross join penstock_counter i
where c.one = 1 and c.dragging and c.wanted > (select count(*) from penstock_taken)
    and i.i <= c.wanted + 100 - c.untaken - (select count(*) from penstock_taken)
order by i.i;
