-- Take the run for the worker, or end it, or move it to what stops it. What is not simply taken ends the straight way.
-- args: now slow verdict n place ending limits line_name line_key claim_id worker until
select raise(ignore) where not :slow and (select c.dragging from penstock_claiming c where c.one = 1);
update penstock_claiming set dragging = 1, blocked = null, untaken = untaken + (:verdict is not null)
where one = 1 and (:slow or :verdict is not null or :limits is not null and :ending is null);
insert into penstock_do_set_aside select :verdict, :n, :now where :verdict is not null;
select raise(ignore) where :verdict is not null;
insert into penstock_do_take_slots select :n, :now where :limits is not null and :ending is null;
select raise(ignore)
where :limits is not null and (select c.blocked from penstock_claiming c where c.one = 1) = :n;
update penstock_run set
    state = 'running', place = null, line_name = null, line_key = null, since_at = :now, started_at = :now,
    alarm_at = :until, ends_at = case when ends_at is not null and ending is null then deadline_at end,
    token = :claim_id, worker = :worker,
    claimed_at = coalesce(claimed_at, :now), told = ending is not null,
    claims = claims + 1, idle_claims = idle_claims + 1,
    fence = max(fence + 1, :now)
where n = :n;
insert into penstock_do_offer select :line_name, :line_key, :now where :line_name is not null;
insert into penstock_taken (n) values (:n);
