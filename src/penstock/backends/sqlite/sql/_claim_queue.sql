-- Claim from one queue: straight down the ready place, until something is in the way; then one look at a time.
-- args: queue now
select raise(ignore)
where exists (select 1 from penstock_pause p where p.kind = 'queue' and p.name = :queue)
    or (select count(*) from penstock_taken) >= (select wanted from penstock_claiming where one = 1);
-- The side lines that this worker can serve.
delete from penstock_servable;
insert into penstock_servable
select s.queue, s.task, s.version, s.refused
from penstock_side s
where s.queue = :queue
    and not exists (select 1 from penstock_pause p where p.kind = 'task' and p.name = s.task)
    and exists (
        select 1 from penstock_claiming c, penstock_ability a
        where c.one = 1 and a.abilities = c.abilities and a.task = s.task and (s.version = '' or s.version = a.version)
            and (s.refused = '' or instr(char(10) || s.refused || char(10), char(10) || a.fingerprint || char(10)) = 0)
    );
update penstock_claiming set dragging = exists (select 1 from penstock_servable)
    or exists (select 1 from penstock_turn u where u.queue = :queue and u.turn is not null)
where one = 1;
delete from penstock_straight;
insert into penstock_straight (n, stops)
select r.n, r.key_starts is not null or r.ending is not null or r.limits is not null or r.life > 1 or (
    -- @include _verdict
) is not null
from penstock_claiming c cross join penstock_run r
where c.one = 1 and not c.dragging and r.queue = :queue and r.ready
order by r.priority desc, r.woken desc, r.rank
limit (
    select max(0, c.wanted - k.n + min(0, 100 - c.untaken))
    from penstock_claiming c, (select count(*) as n from penstock_taken) k where c.one = 1
);
delete from penstock_straight where k >= (select min(s.k) from penstock_straight s where s.stops);
update penstock_claiming set dragging = dragging or changes() > 0 where one = 1;
update penstock_run set
    -- @include _hold
where n in (select s.n from penstock_straight s);
insert into penstock_taken (n) select s.n from penstock_straight s order by s.k;
insert into penstock_do_drag select :queue, :now from penstock_claiming c where c.one = 1 and c.dragging limit 1;
update penstock_claiming set more = 1
where one = 1 and wanted > (select count(*) from penstock_taken)
    and wanted + 100 <= untaken + (select count(*) from penstock_taken)
    and (
        exists (select 1 from penstock_run r where r.queue = :queue and r.ready)
        or exists (select 1 from penstock_turn u where u.queue = :queue and u.turn is not null)
        or exists (select 1 from penstock_servable v join penstock_side s using (queue, task, version, refused))
    );
