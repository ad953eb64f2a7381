-- Upkeep will cancel the calls that the run has made so far. It lives on, and may make others.
-- args: n
select raise(ignore)
where not exists (select 1 from penstock_run c where c.parent = :n)
    or exists (
        select 1 from penstock_mark m where m.n = :n and m.upto is null and (m.dependencies or m.calls or m.started)
    );
update penstock_tick set serial = serial + 1;
insert into penstock_mark (n, calls, upto) select :n, 1, t.serial from penstock_tick t where 1
on conflict (n) do update set dependencies = 0, calls = 1, started = 0, upto = excluded.upto, below = 0;
insert or ignore into penstock_ring values ('u');
