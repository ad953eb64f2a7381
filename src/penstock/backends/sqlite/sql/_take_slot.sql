-- One slot, or one start of a rate.
-- args: n now name key rate
update penstock_tick set serial = serial + 1;
insert into penstock_line (name, key, used, starts) values (:name, :key, not :rate, :rate)
on conflict (name, key) do update set used = used + excluded.used, starts = starts + excluded.starts;
insert into penstock_slot (name, key, no, n) select :name, :key, t.serial, :n from penstock_tick t where not :rate;
delete from penstock_start
where :rate and name = :name and key = :key
    and at <= :now - (select d.period from penstock_limit d where d.name = :name);
insert into penstock_start (name, key, at, no)
select l.name, l.key, :now, l.starts from penstock_line l where :rate and l.name = :name and l.key = :key;
