-- Limit no more: everything parked at it goes on.
-- args: name now
insert into penstock_answer (i, word)
select 0, 'not_found' where not exists (select 1 from penstock_limit d where d.name = :name);
delete from penstock_limit where name = :name;
delete from penstock_pause where kind = 'limit' and substr(name, 1, length(:name) + 1) = :name || ':';
delete from penstock_slot where name = :name;
delete from penstock_start where name = :name;
insert into penstock_do_offer select distinct s.name, s.key, :now from penstock_stand s where s.name = :name;
delete from penstock_line where name = :name;
