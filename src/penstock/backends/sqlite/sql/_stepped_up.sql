-- The rest of _step_up, with the last of its value that has a turn.
-- args: n queue fair last now
insert into penstock_do_next_turn select :queue, :fair;
update penstock_turn set turn = (select u.turn from penstock_turn u where u.n = :last)
where n = :n and turn is null and exists (
    select 1 from penstock_turn u
    where u.n = :last and (penstock_turn.priority, penstock_turn.woken, -penstock_turn.rank) > (u.priority, u.woken, -u.rank)
);
update penstock_turn set turn = null
where n = :last and exists (select 1 from penstock_turn u where u.n = :n and u.turn = penstock_turn.turn);
insert into penstock_do_next_turn
select :queue, :fair from penstock_turn u where u.n = :last and u.turn is null limit 1; -- it may weigh more
insert or ignore into penstock_ring
select 'q:' || :queue from penstock_turn u where u.n = :n and u.turn is not null;
