-- The lines offer the slots that the run has given back.
-- args: n now
insert into penstock_do_offer select f.name, f.key, :now from penstock_freed f where f.n = :n order by f.name, f.key;
delete from penstock_freed where n = :n;
