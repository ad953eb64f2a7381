-- Look at the first run of the ready place, of the fair ones with a turn, and of the side lines the worker can serve.
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
insert into penstock_candidate
select (
    select u.n from penstock_turn u where u.queue = :queue and u.turn is not null order by u.turn limit 1
);
update penstock_claiming set dragging = 0
where one = 1 and not exists (select 1 from penstock_candidate k where k.n is not null);
insert into penstock_do_look
select :now, (
    -- @include _verdict
), r.n, r.ending, r.limits, r.line_name, r.line_key, u.turn, case when r.key_starts and r.claims = 0 then r.key end
from penstock_claiming c, penstock_candidate k cross join penstock_run r on r.n = k.n
left join penstock_turn u on u.n = r.n
where c.one = 1
order by
    case when u.n is null then r.priority else 0 end desc, case when u.n is null then r.woken else 0 end desc,
    coalesce(u.turn, r.rank)
limit 1;
