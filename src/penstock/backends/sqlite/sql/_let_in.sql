-- A run of a flow that has been closed stands on its own now.
-- args: n now
update penstock_wake set
    at = case when delay is null then at else min(coalesce(at, 9e18), :now + delay) end, delay = null
where n = :n;
update penstock_run set open = 0, alarm_at = (select w.at from penstock_wake w where w.n = :n) where n = :n;
insert into penstock_do_ends select :n from penstock_run r where r.n = :n and r.ends_at is not null limit 1;
insert into penstock_do_wake values (:n, :now);
