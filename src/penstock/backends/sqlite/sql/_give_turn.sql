-- The run takes a turn, behind all who have one.
-- args: n queue
update penstock_tick set serial = serial + 1;
update penstock_turn set turn = (select t.serial from penstock_tick t) where n = :n;
insert or ignore into penstock_ring values ('q:' || :queue);
