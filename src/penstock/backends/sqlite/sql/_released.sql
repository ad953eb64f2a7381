-- The rest of _let_go, with the moment at which the run is due.
-- args: n now due claims
update penstock_run set
    own_delay = null,
    expires_at = case when expires is not null and claims = 0 then max(:due, :now) + expires else expires_at end
where n = :n and (own_delay is not null or expires is not null);
insert into penstock_do_ends select :n from penstock_run r where r.n = :n and r.expires is not null limit 1;
insert into penstock_do_schedule select :n, :now, :due, 0 where :claims = 0 and :due > :now;
insert into penstock_do_queue select :n, :now, 0, :claims > 0 where :claims > 0 or :due <= :now;
