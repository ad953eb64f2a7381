-- Take the run for the worker, or end it, or move it to what stops it.
-- args: now verdict n ending limits line_name line_key turn key
update penstock_claiming set blocked = null, untaken = untaken + (:verdict is not null) where one = 1;
insert into penstock_do_set_aside select :verdict, :n, :now where :verdict is not null;
select raise(ignore) where :verdict is not null;
insert into penstock_do_take_slots select :n, :now where :limits is not null and :ending is null;
select raise(ignore)
where :limits is not null and (select c.blocked from penstock_claiming c where c.one = 1) = :n;
update penstock_run set place = null, line_name = null, line_key = null where n = :n and place is not null;
update penstock_run set
    -- @include _hold
where n = :n;
insert into penstock_do_note
select :n, :now, 'claimed', x'', 0 from penstock_run r where r.n = :n and r.life > 1 and r.claims = 1 limit 1;
insert into penstock_do_step_out select :n where :turn is not null;
insert into penstock_do_offer select :line_name, :line_key, :now where :line_name is not null;
insert into penstock_do_key_end
select r.id, r.task, r.key, max(:now + r.key_ttl, r.enqueued_at + coalesce(r.key_every, 0)), 1, :now from penstock_run r
where :key is not null and r.n = :n limit 1;
insert into penstock_taken (n) values (:n);
