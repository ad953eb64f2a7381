-- The rest of _leave, with the line that is left.
-- args: n name key now
insert into penstock_do_step_out select :n from penstock_turn u where u.n = :n limit 1;
update penstock_run set ready = null, place = null, line_name = null, line_key = null where n = :n;
insert into penstock_do_offer select :name, :key, :now where :name is not null;
