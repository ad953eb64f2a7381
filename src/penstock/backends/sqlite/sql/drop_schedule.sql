-- Fire no more. Runs of it stay.
-- args: name
insert into penstock_answer (i, word)
select 0, 'not_found' where not exists (select 1 from penstock_schedule s where s.name = :name);
delete from penstock_schedule where name = :name;
