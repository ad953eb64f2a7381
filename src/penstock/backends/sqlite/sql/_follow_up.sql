-- Insert the run that learns about this outcome, unless it is there.
-- args: n now named which
select raise(ignore) where exists (
    select 1 from penstock_run r, penstock_run f where r.n = :n and f.id = r.id || '~' || r.life || '~' || :which
);
update penstock_tick set serial = serial + 1;
insert into penstock_about
select
    t.serial, r.id, r.life, r.task, r.state, r.failures + (r.state = 'succeeded'), r.cause, r.cause_id, r.error, r.result
from penstock_tick t, penstock_run r where r.n = :n;
insert into penstock_run (
    n, rank, id, task, queue, version, state, ready, priority, enqueued_at, since_at, input, options, terms, about
)
select
    t.serial, t.serial, r.id || '~' || r.life || '~' || :which,
    json_extract(:named, '$[0]'), json_extract(:named, '$[1]'), json_extract(:named, '$[2]'),
    'queued', 1, 0, :now, :now, r.input, x'', json_extract(:named, '$[3]'), 1
from penstock_tick t, penstock_run r where r.n = :n;
insert into penstock_large select t.serial, l.input from penstock_tick t, penstock_large l where l.n = :n;
insert or ignore into penstock_ring values ('q:' || json_extract(:named, '$[1]'));
