-- Leave no trace of this run; those below it go on.
-- args: n now
delete from penstock_due;
insert into penstock_due (n)
select c.n from penstock_run c where c.parent = :n and c.kind <> 'started' order by c.seq;
insert into penstock_do_delete values (:n, 0, :now);
insert into penstock_do_reroot select d.n, null, 0 from penstock_due d order by d.k;
