-- The rest of _rewrite. It keeps its rank, unless it is delayed.
-- args: n g i now state input due moved
insert into penstock_do_leave select :n, :now where :state = 'queued' and (:moved or :due > :now);
insert into penstock_do_put_input values (:n, :input);
update penstock_run set
    (limits, fair, weight, start_at) = (
        select o.limits, o.fair, o.weight, o.start_at from penstock_incoming o where o.g = :g and o.i = :i
    ),
    own_delay = case when :state = 'waiting' then (
        select o.delay from penstock_incoming o where o.g = :g and o.i = :i
    ) else own_delay end
where n = :n;
update penstock_run set expires_at = max(:due, :now) + expires
where n = :n and expires is not null and :state <> 'waiting' and (:due > :now or :state = 'scheduled');
insert into penstock_do_schedule select :n, :now, :due, 0 where :state <> 'waiting' and :due > :now;
insert into penstock_do_queue select :n, :now, 1, null where :state = 'scheduled' and :due <= :now;
insert into penstock_do_place select :n, :now where :state = 'queued' and :moved and :due <= :now;
insert into penstock_do_ends select :n from penstock_run r where r.n = :n and r.expires is not null limit 1;
