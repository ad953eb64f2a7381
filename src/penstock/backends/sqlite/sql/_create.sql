-- The row of a new run, with its key and the count at its parent, in no place yet. A known id or key stands for its run.
-- args: g i held now
update penstock_incoming set known_id = coalesce(
    (select r.id from penstock_run r where r.id = penstock_incoming.id),
    -- The key may have outlived its run.
    (
        select k.run_id from penstock_key k
        where k.task = penstock_incoming.task and k.key = penstock_incoming.key
            and (k.expires_at is null or k.expires_at > :now)
    )
)
where g = :g and i = :i;
insert into penstock_do_repeat
select :g, :i, r.n, k.run_id, r.state, r.claims, r.ending, k.next_id, o.replace_, o.follow, :now
from penstock_incoming o
join penstock_key k on k.task = o.task and k.key = o.key
left join penstock_run r on r.id = k.run_id
where o.g = :g and o.i = :i and o.known_id is not null and (o.replace_ or o.follow)
    and not exists (select 1 from penstock_run s where s.id = o.id) limit 1;
select raise(ignore) where exists (
    select 1 from penstock_incoming o where o.g = :g and o.i = :i and o.known_id is not null
);
update penstock_tick set serial = serial + 1;
update penstock_incoming set
    n = (select t.serial from penstock_tick t), parent = (select r.n from penstock_run r where r.id = parent_id)
where g = :g and i = :i;
insert into penstock_run (
    n, plain, seq, id, task, queue, version, state, priority, enqueued_at, since_at, alarm_at,
    input, options, terms, start_at, own_delay, expires, expires_at, deadline, deadline_at,
    key, key_ttl, key_hash, key_starts, key_every, fair, weight, limits, tags, schedule, nominal_at,
    parent, kind, if_fails, name, cascade, root_id, depth, open
)
select
    o.n,
    case when o.parent is null and o.key is null and o.limits is null then (
        select m.succeeded from penstock_terms m where m.id = o.terms and m.on_success is null
    ) end,
    case when o.parent is not null then o.n end, o.id, o.task, o.queue, o.version,
    case when :held or o.waits then 'waiting' when due.due_at > :now then 'scheduled' else 'queued' end,
    o.priority, :now, :now,
    case
        when :held then null
        when o.waits then nullif(min(coalesce(o.wake_at, 9e18), coalesce(:now + o.wake_delay, 9e18)), 9e18)
        when due.due_at > :now then due.due_at
    end,
    case when length(o.input) <= 2048 then o.input end, o.options, o.terms,
    o.start_at, case when :held or o.waits then o.delay end,
    o.expires, case when not :held and not o.waits then max(due.due_at, :now) + o.expires end,
    o.deadline, :now + o.deadline,
    o.key, o.key_ttl, case when o.key is not null then o.input_hash end, o.key_starts, o.key_every, o.fair, o.weight,
    o.limits, o.tags, o.schedule, o.nominal_at,
    o.parent, o.kind, o.if_fails, o.name, o.cascade,
    case when o.kind <> 'started' then coalesce(p.root_id, p.id) end,
    case when o.kind <> 'started' then p.depth + 1 else 0 end,
    :held
from penstock_incoming o
left join penstock_run p on p.n = o.parent
join (
    select coalesce(d.start_at, :now + coalesce(d.delay, 0)) as due_at
    from penstock_incoming d where d.g = :g and d.i = :i
) due
where o.g = :g and o.i = :i;
insert into penstock_do_created
select
    o.n, o.id, o.task, o.key, o.input_hash, o.input, o.tags, o.parent, o.kind, o.waits,
    o.wake_at, o.wake_delay, o.idle, o.finishes, o.early, o.calls, o.signals, :held, o.follows, :now
from penstock_incoming o where o.g = :g and o.i = :i limit 1;
