-- The rest of _delete, with what stands in the row.
-- args: n id parent kind children limits task key tags keep_key now placed
insert into penstock_do_leave select :n, :now where :placed;
insert into penstock_do_give
select s.n, s.name, s.key, :now from penstock_slot s where :limits is not null and s.n = :n;
delete from penstock_mark where n = :n;
insert into penstock_do_count select :parent, :n, :id, :now where :kind = 'dependency';
update penstock_run set finishes = finishes + 1
where :kind = 'call' and n = :parent and not over
    and exists (select 1 from penstock_run r where r.n = :n and not r.over);
insert into penstock_do_cut select :n where :parent is not null;
delete from penstock_run where n = :n;
insert into penstock_do_wake select :parent, :now where :parent is not null;
insert into penstock_do_orphan
select c.n, :n, c.id from penstock_run c where :children and c.parent = :n;
insert into penstock_do_key_end select :id, :task, :key, null, :keep_key, :now where :key is not null;
delete from penstock_tag where :tags is not null and n = :n and tag in (select t.value from json_each(:tags) t);
delete from penstock_large where n = :n;
delete from penstock_wake where n = :n;
delete from penstock_step where n = :n;
delete from penstock_signal where n = :n;
delete from penstock_heard where n = :n;
delete from penstock_log where n = :n;
delete from penstock_about where n = :n;
insert or ignore into penstock_ring values ('r:' || :id);
