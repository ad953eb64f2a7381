-- Work off one mark, a batch of it; clear it when nothing is left to do below.
-- Without any budget left nobody could say that nothing is left to do.
-- args: n now
select raise(ignore) from penstock_tending x where x.left_over <= 0;
delete from penstock_due;
delete from penstock_below;
insert into penstock_do_below
select :n, 1 from penstock_mark m join penstock_run r on r.n = m.n
where m.n = :n and (m.remove or m.closing and r.root_id is not null) limit 1;
insert into penstock_due (n, way)
select b.n, 'remove' from penstock_mark m, penstock_below b
where m.n = :n and m.remove
order by b.k desc limit (select max(0, min(500, x.left_over)) from penstock_tending x);
insert into penstock_due (n, way)
select c.n, 'cancel'
from penstock_mark m join penstock_run c on c.parent = m.n and c.seq > m.below
where m.n = :n and not m.remove
    and not c.over and c.ending is null
    and (m.upto is null or c.n <= m.upto)
    and case c.kind when 'dependency' then m.dependencies when 'call' then m.calls else m.started and c.cascade end
order by c.seq limit (select max(0, min(500, x.left_over)) from penstock_tending x);
update penstock_mark set below = coalesce((
    select max(c.seq) from penstock_due d join penstock_run c on c.n = d.n where d.way = 'cancel'
), below)
where n = :n;
insert into penstock_due (n, way)
select c.n, 'redrive'
from penstock_mark m join penstock_run c on c.parent = m.n
where m.n = :n and m.redrive and not m.remove
    and c.kind = 'dependency' and not c.counted and c.over
order by c.seq
limit (select max(0, min(500, x.left_over) - (select count(*) from penstock_due)) from penstock_tending x);
insert into penstock_due (n, way)
select c.n, 'close'
from penstock_mark m join penstock_run r on r.n = m.n join penstock_run c on c.root_id = r.id
where m.n = :n and m.closing and not m.remove and r.root_id is null and c.open
order by c.n
limit (select max(0, min(500, x.left_over) - (select count(*) from penstock_due)) from penstock_tending x);
-- A flow that stands below another run shares the root with others.
insert into penstock_due (n, way)
select c.n, 'close'
from penstock_mark m join penstock_run r on r.n = m.n, penstock_below b join penstock_run c on c.n = b.n
where m.n = :n and m.closing and not m.remove and r.root_id is not null and c.open and c.n <> m.n
order by c.n
limit (select max(0, min(500, x.left_over) - (select count(*) from penstock_due)) from penstock_tending x);
update penstock_tending set
    cascaded = cascaded + (select count(*) from penstock_due), left_over = left_over - (select count(*) from penstock_due),
    batch = (select count(*) from penstock_due);
insert into penstock_do_cascade_to
select d.n, d.way, (select m.keep_keys from penstock_mark m where m.n = :n), (select r.reason from penstock_run r where r.n = :n), :now from penstock_due d order by d.k;
insert into penstock_do_clear
select :n, m.closing, :now
from penstock_mark m, penstock_tending x
where m.n = :n and x.batch = 0 limit 1;
