-- The rest of _promote, by how the run stands.
-- args: n state now
insert into penstock_do_queue select :n, :now, 1, null where :state = 'scheduled';
update penstock_run set idle_claims = 0 where n = :n and :state = 'waiting';
insert into penstock_do_wake select :n, :now where :state = 'waiting';
