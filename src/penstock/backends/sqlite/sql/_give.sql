-- Give back one slot; the line offers it to the next.
-- args: n name key now
delete from penstock_slot where n = :n and name = :name and key = :key;
update penstock_line set used = used - 1 where name = :name and key = :key;
insert into penstock_do_offer values (:name, :key, :now);
