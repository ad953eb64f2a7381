-- A newcomer of a limit that replaces goes before all others, also those that are out and not claimed; if it has to wait,
-- the oldest holder is asked to go.
-- args: n now name key
update penstock_tick set serial = serial + 1;
update penstock_run set place = 'line', ready = null
where n in (
    select o.n from penstock_run r
    join penstock_run o on o.line_name = :name and o.line_key = :key and o.place = 'out'
        and o.queue = r.queue and o.priority = r.priority
    where r.n = :n
);
insert into penstock_do_step_out
select o.n from penstock_run r
join penstock_run o on o.line_name = :name and o.line_key = :key and o.place = 'line'
    and o.queue = r.queue and o.priority = r.priority
join penstock_turn u on u.n = o.n
where r.n = :n order by o.woken desc, o.rank;
update penstock_run set
    line_name = :name, line_key = :key, place = 'line',
    rank = case when rank > 0 then (select -t.serial from penstock_tick t) else rank end
where n = :n;
insert into penstock_do_offer values (:name, :key, :now);
insert into penstock_do_replace_holder values (:n, :now);
