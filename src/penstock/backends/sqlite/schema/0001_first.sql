-- The tables of one namespace. Moments are whole microseconds since 1970, flags 0 or 1.
-- Whatever a plain run does not have is NULL and stands in no other table: it costs a byte.

-- Which store this is. `clock_offset` moves the clock of all processes, for tests.
create table penstock_meta (
    one integer primary key check (one = 1),
    store_id text not null,
    namespace text not null,
    clock_offset integer not null default 0,
    tended_at integer,
    quarantine_until integer,
    newest_at integer not null default 0 -- when the newest of each task are counted again
);

create table penstock_migration (version integer primary key, title text not null, at integer not null);

-- The counter behind every order: runs, ranks, children, slots. `first` runs the other way, for ranks before all others.
create table penstock_tick (one integer primary key check (one = 1), serial integer not null, first integer not null);

create table penstock_run (
    n integer primary key, -- the order of enqueueing
    id text not null unique,
    task text not null,
    queue text not null,
    version text not null,
    state text not null,
    over integer not null default 0, -- its life is: succeeded, failed or cancelled
    ready integer, -- 1: queued, and where every claim looks
    place text, -- of those that a limit or code has stopped: out, line or side
    priority integer not null,
    woken integer not null default 0,
    rank integer,
    refused text not null default '', -- fingerprints, one a line, sorted
    enqueued_at integer not null,
    since_at integer not null,
    alarm_at integer, -- when time moves it on: due, lease over, wake; finished: may be purged, if it is a root
    ends_at integer, -- the first of its expiry and deadline, or of the end of an open flow's patience
    started_at integer,
    claimed_at integer, -- the first claim
    claims integer not null default 0,
    idle_claims integer not null default 0, -- since something last moved it on
    failures integer not null default 0,
    crashes integer not null default 0,
    releases integer not null default 0,
    life integer not null default 1,
    history integer not null default 0,
    fence integer not null default 0,
    token text,
    worker text,
    settled text, -- kind and token of the last settled lease
    input blob, -- NULL: in `large`
    options blob not null,
    terms integer not null,
    plain integer, -- how long it is kept if it succeeds, when nothing else follows from that; NULL: more does
    start_at integer, -- as asked for
    own_delay integer, -- of a parent, from its release
    expires integer, -- from when it is due
    expires_at integer,
    deadline integer, -- from when its life begins
    deadline_at integer,
    key text,
    key_ttl integer,
    key_hash blob,
    limits text, -- [[name, key], ...]
    line_name text, -- the limit's line it is a member of
    line_key text,
    tags text, -- [tag, ...]
    schedule text,
    nominal_at integer,
    parent integer, -- with it the five below
    seq integer, -- order among its children
    kind text,
    if_fails text,
    name text,
    root_id text,
    cascade integer not null default 1, -- a cancel of the parent reaches it
    depth integer not null default 0,
    counted integer not null default 0,
    by_parent integer not null default 0, -- its end, or the request, came down from its parent
    children integer not null default 0, -- has, or once had some
    pending integer not null default 0,
    finishes integer not null default 0,
    early integer not null default 0,
    returned integer not null default 0,
    blocked_by text,
    open integer not null default 0,
    opened_at integer, -- of the root of an open flow: its last group
    rollbacks integer not null default 0,
    mail integer not null default 0, -- a signal has arrived
    about integer not null default 0, -- it is about another run, see `about`
    log_seq integer not null default 2, -- 1: enqueued, 2: first claim
    dead_no integer, -- on a dead-letter list: the order of arrival
    result blob,
    error blob,
    cause text,
    cause_id text,
    reason text,
    ending text, -- asked to end so
    ending_cause text,
    ending_id text,
    ending_error blob,
    ending_at integer, -- asked then
    told integer not null default 0, -- its holder claimed it to run the rollbacks
    forget text -- [path, ...] of the steps that a redrive drops
);
create index penstock_ready on penstock_run (queue, priority desc, woken desc, rank) where ready;
create index penstock_aside on penstock_run (queue, task, version, refused, priority desc, woken desc, rank)
    where place = 'side';
create index penstock_inline on penstock_run (line_name, line_key, place, queue, priority, woken desc, rank)
    where line_name is not null;
create index penstock_alarm on penstock_run (state, alarm_at) where alarm_at is not null;
create index penstock_ends on penstock_run (ends_at) where ends_at is not null;
create index penstock_rare on penstock_run (state, n) where state = 'waiting' or state = 'failed' or state = 'cancelled';
create index penstock_done on penstock_run (task, state, n, alarm_at)
    where over;
create index penstock_child on penstock_run (parent, seq) where parent is not null;
create index penstock_tree on penstock_run (root_id, n) where root_id is not null;
create index penstock_scheduled on penstock_run (schedule, n) where schedule is not null;
create index penstock_ticking on penstock_run (schedule)
    where schedule is not null and not over;
create index penstock_dead on penstock_run (dead_no) where dead_no is not null;

-- Inputs too large to be written anew with every move.
create table penstock_large (n integer primary key, input blob not null);

-- What whole tasks have in common, by a hash of it.
create table penstock_terms (
    id integer primary key,
    succeeded integer not null, -- how long a run is kept
    failed integer not null,
    newest integer not null,
    crashes integer not null,
    siblings text not null,
    dead_letter text,
    on_success text, -- [task, queue, version, terms]
    on_failure text
);

create table penstock_key (
    task text not null,
    key text not null,
    input_hash blob not null,
    run_id text not null,
    expires_at integer, -- NULL: the run lives
    primary key (task, key)
) without rowid;
create index penstock_expiry on penstock_key (expires_at) where expires_at is not null;

create table penstock_tag (tag text not null, n integer not null, primary key (tag, n)) without rowid;

-- What a waiting run waits for, beside its counters.
create table penstock_wake (
    n integer primary key,
    at integer,
    delay integer, -- of an open flow's run: from its release
    idle integer not null,
    finishes integer,
    early integer,
    calls text not null, -- [[[id, ...], n], ...]
    signals text not null -- {name: n}
);
-- Each entry of `calls`: how many must still finish, how many have ended badly, or are no children.
create table penstock_entry (
    n integer not null,
    entry integer not null,
    missing integer not null,
    bad integer not null,
    primary key (n, entry)
) without rowid;
create table penstock_awaited (
    n integer not null,
    child_id text not null,
    entry integer not null,
    primary key (n, child_id, entry)
) without rowid;

-- What must still happen below a run. `below` is how far upkeep has come among its children.
create table penstock_mark (
    n integer primary key,
    dependencies integer not null default 0, -- to be cancelled, as the two below
    calls integer not null default 0,
    started integer not null default 0,
    upto integer, -- of a run that lives on: only children not younger than this
    remove integer not null default 0,
    keep_keys integer not null default 0, -- removed by retention
    redrive integer not null default 0,
    closing integer not null default 0,
    below integer not null default 0
);

create table penstock_step (
    n integer not null,
    path text not null,
    no integer not null, -- the order of writing
    scope text not null,
    position integer not null,
    seen integer not null,
    kind text not null,
    value blob,
    error blob,
    input_hash blob not null,
    child_id text,
    signal text not null,
    signal_seq integer not null,
    recorded_at integer not null,
    primary key (n, path)
) without rowid;

create table penstock_signal (
    n integer not null,
    name text not null,
    seq integer not null,
    no integer not null, -- the order of arrival
    payload blob not null,
    at integer not null,
    primary key (n, name, seq)
) without rowid;
create table penstock_heard (n integer not null, name text not null, once text not null, primary key (n, name, once))
    without rowid;

create table penstock_log (
    n integer not null,
    seq integer not null,
    at integer not null,
    kind text not null,
    data blob not null,
    attempt integer not null,
    worker text,
    started_at integer,
    primary key (n, seq)
) without rowid;

-- What a follow-up run learns about the run that ended.
create table penstock_about (
    n integer primary key,
    run_id text not null,
    life integer not null,
    task text not null,
    state text not null,
    attempts integer not null,
    cause text,
    cause_id text,
    error blob,
    result blob
);

create table penstock_limit (
    name text primary key,
    n integer not null,
    period integer, -- set: a rate
    full text not null,
    hold integer not null
) without rowid;
-- One key of a limit. `used` counts its slots; `starts` is the number of the last start of a rate.
create table penstock_line (
    name text not null,
    key text not null,
    used integer not null default 0,
    starts integer not null default 0,
    blocked_until integer,
    primary key (name, key)
) without rowid;
-- How many members of a line stand where, by the queue and priority they stand in.
create table penstock_stand (
    name text not null,
    key text not null,
    queue text not null,
    priority integer not null,
    parked integer not null default 0,
    out integer not null default 0,
    primary key (name, key, queue, priority)
) without rowid;
create table penstock_slot (
    name text not null,
    key text not null,
    no integer not null, -- the order of taking
    n integer not null,
    primary key (name, key, no)
) without rowid;
create unique index penstock_holder on penstock_slot (n, name, key);
create table penstock_start (
    name text not null,
    key text not null,
    at integer not null,
    no integer not null,
    primary key (name, key, at, no)
) without rowid;

-- How many runs stand in each side line.
create table penstock_side (
    queue text not null,
    task text not null,
    version text not null,
    refused text not null,
    runs integer not null default 0,
    primary key (queue, task, version, refused)
) without rowid;

create table penstock_pause (kind text not null, name text not null, primary key (kind, name)) without rowid;

create table penstock_schedule (
    name text primary key,
    app text not null,
    task text not null,
    spec blob not null,
    next_at integer,
    revision integer not null default 1,
    paused integer not null default 0,
    fired integer not null default 0,
    skipped integer not null default 0,
    last_at integer
) without rowid;
create index penstock_next on penstock_schedule (next_at) where next_at is not null and not paused;

create table penstock_worker (worker text primary key, info blob not null, abilities blob not null, expires_at integer not null)
    without rowid;
create table penstock_claim (worker text primary key, claim_id text not null, runs text not null, more integer not null)
    without rowid;
create table penstock_definition (
    app text not null,
    task text not null,
    version text not null,
    info blob not null,
    seen_at integer not null,
    primary key (app, task, version)
) without rowid;
create table penstock_rollup (
    minute integer not null,
    queue text not null,
    task text not null,
    succeeded integer not null,
    failed integer not null,
    cancelled integer not null,
    retried integer not null,
    primary key (minute, queue, task)
) without rowid;
-- Histograms of the roll-ups: `what` is waits or times.
create table penstock_bucket (
    minute integer not null,
    queue text not null,
    task text not null,
    what text not null,
    bucket integer not null,
    n integer not null,
    primary key (minute, queue, task, what, bucket)
) without rowid;
