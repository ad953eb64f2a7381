-- Look at the first run of the ready place and of the side lines that the worker can serve.
-- args: queue now
select raise(ignore)
from penstock_claiming c
where c.one = 1 and (not c.dragging or (select count(*) from penstock_taken) >= c.wanted);
delete from penstock_candidate;
insert into penstock_candidate
select r.n from penstock_run r
where r.queue = :queue and r.ready
order by r.priority desc, r.woken desc, r.rank limit 1;
insert into penstock_candidate
select (
    select r.n from penstock_run r
    where r.place = 'side' and r.queue = s.queue and r.task = s.task and r.version = s.version and r.refused = s.refused
    order by r.priority desc, r.woken desc, r.rank limit 1
)
from penstock_servable s;
update penstock_claiming set dragging = 0
where one = 1 and not exists (select 1 from penstock_candidate k where k.n is not null);
insert into penstock_do_look
select :now, (
    -- @include _verdict
), r.n, r.ending, r.limits, r.line_name, r.line_key
from penstock_claiming c, penstock_candidate k cross join penstock_run r on r.n = k.n
where c.one = 1
order by r.priority desc, r.woken desc, r.rank limit 1;
