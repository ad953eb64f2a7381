-- Define or change a limit. Freed capacity is offered at once.
-- args: name n period full hold now
insert into penstock_limit values (:name, :n, :period, :full, :hold)
on conflict (name) do update set
    n = excluded.n, period = excluded.period, full = excluded.full, hold = excluded.hold;
-- A rate knows no slots; a limit that no longer holds has none for a run that is not running.
delete from penstock_slot
where name = :name and (
    :period is not null
    or not :hold and not exists (select 1 from penstock_run r where r.n = penstock_slot.n and r.state = 'running')
);
update penstock_line set used = (select count(*) from penstock_slot s where s.name = :name and s.key = penstock_line.key)
where name = :name;
insert into penstock_do_offer
select distinct s.name, s.key, :now from penstock_stand s where s.name = :name and s.parked > 0;
insert or ignore into penstock_ring values ('u');
