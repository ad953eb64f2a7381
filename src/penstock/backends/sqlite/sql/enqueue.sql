-- Store the groups that stand in `incoming`, each whole or not at all.
-- args: now
insert into penstock_do_enter select x.g, :now from penstock_group x order by x.g;
