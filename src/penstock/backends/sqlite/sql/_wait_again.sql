-- Back from ready, or from `due`, to waiting for its dependencies.
-- args: n now due
insert into penstock_do_leave values (:n, :now);
update penstock_run set
    own_delay = case when state = 'scheduled' then max(0, :due - :now) else own_delay end,
    state = 'waiting', since_at = :now, alarm_at = null, expires_at = null
where n = :n;
insert into penstock_do_ends select :n from penstock_run r where r.n = :n and r.ends_at is not null limit 1;
insert or replace into penstock_wake (n, idle, calls, signals) values (:n, 1, '[]', '{}');
