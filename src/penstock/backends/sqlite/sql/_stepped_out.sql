-- The rest of _step_out, with what it leaves. `most`: the greatest weight of its value.
-- args: n queue fair turn most
delete from penstock_turn where n = :n;
insert into penstock_do_next_turn
select :queue, :fair from penstock_counter i where :turn is not null and i.i <= :most order by i.i;
