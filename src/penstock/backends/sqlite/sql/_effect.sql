-- Carry out one effect of the table of policies.
-- args: effect parent n id error now
insert into penstock_do_end
select :parent, :now, 'failed', 'child', :id, :error, 0 where :effect = 'fail' or :effect = 'doom';
update penstock_run set blocked_by = coalesce(blocked_by, :id) where :effect = 'block' and n = :parent;
insert into penstock_do_wake select :parent, :now where :effect = 'block';
update penstock_run set early = early + 1 where (:effect = 'start' or :effect = 'early') and n = :parent;
-- It stays let go, whatever else must happen first.
insert into penstock_wake (n, idle, early, calls, signals)
select r.n, 1, r.early, '[]', '{}' from penstock_run r where :effect = 'start' and r.n = :parent
on conflict (n) do update set early = excluded.early;
insert into penstock_do_count select :parent, :n, :id, :now where :effect = 'start' or :effect = 'early' or :effect = 'count';
insert into penstock_do_wake select :parent, :now where :effect = 'start';
