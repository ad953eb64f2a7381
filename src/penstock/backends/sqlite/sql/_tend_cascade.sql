-- One round over the marks, a batch of each; another follows while there was something to do.
-- args: now
select raise(ignore) from penstock_tending x where x.left_over <= 0 or x.still;
update penstock_tending set before = cascaded, cleared = 0;
insert into penstock_do_cascade select m.n, :now from penstock_mark m order by m.n limit 1000;
update penstock_tending set still = 1 where cascaded = before and not cleared;
