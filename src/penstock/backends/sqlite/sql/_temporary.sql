-- What lives for one call, in the connection alone.
create temp table penstock_answer (i integer, word text, n integer, path text);
create temp table penstock_ring (topic text primary key) without rowid;
create temp table penstock_policy (if_fails text, parent text, effect text, primary key (if_fails, parent)) without rowid;
create temp table penstock_ability (
    abilities integer, task text, version text, fingerprint text, primary key (abilities, task, version, fingerprint)
) without rowid;
create temp table penstock_claiming (
    one integer primary key,
    claim_id text not null,
    worker text not null,
    abilities integer not null,
    wanted integer not null,
    until integer not null,
    untaken integer not null default 0, -- runs looked at and not taken
    dragging integer not null default 0, -- something is in the way: one look at a time
    blocked integer, -- the run that met a full limit
    more integer not null default 0
);
create temp table penstock_taken (k integer primary key, n integer not null);
create temp table penstock_straight (k integer primary key, n integer not null, stops integer not null);
create temp table penstock_servable (queue text, task text, version text, refused text);
create temp table penstock_candidate (n integer);
create temp table penstock_counter (i integer primary key);
create temp table penstock_group (
    g integer primary key, flow text, opens integer, closes integer, holder text, token text,
    fault text, fault_i integer, detail text
);
create temp table penstock_incoming (
    g integer, i integer,
    id text, task text, queue text, version text, input blob, options blob, priority integer,
    start_at integer, delay integer, expires integer, deadline integer, terms integer,
    key text, input_hash blob, key_ttl integer,
    parent_id text, kind text, if_fails text, name text, cascade integer,
    waits integer, wake_at integer, wake_delay integer, idle integer, finishes integer, early integer,
    calls text, signals text, limits text, tags text, schedule text, nominal_at integer,
    fair text, weight integer, key_starts integer, key_every integer, replace_ integer, follow integer,
    known integer, known_id text, parent integer, depth integer, n integer,
    follows integer not null default 0, -- it waits for the end of the run for which its key stands
    rewrites integer not null default 0, -- the known run takes over what is asked
    primary key (g, i)
) without rowid;
create index temp.penstock_incoming_id on penstock_incoming (g, id);
create index temp.penstock_incoming_key on penstock_incoming (g, task, key) where key is not null;
create temp table penstock_refused (g integer primary key, i integer, answer text, run_id text, detail text);
create temp table penstock_target (n integer);
create temp table penstock_below (k integer primary key, n integer not null);
create temp table penstock_subtree (n integer primary key, level integer not null);
create temp table penstock_freed (n integer, name text, key text, primary key (n, name, key)) without rowid;
create temp table penstock_due (k integer primary key, n integer not null, way text);
create temp table penstock_tending (
    one integer primary key,
    left_over integer not null,
    guarded integer not null,
    held_back integer not null default 0,
    promoted integer not null default 0,
    rescued integer not null default 0,
    expired integer not null default 0,
    cascaded integer not null default 0,
    purged integer not null default 0,
    batch integer not null default 0,
    before integer not null default 0,
    cleared integer not null default 0,
    still integer not null default 0, -- the last round of marks found nothing to do
    full integer not null default 0
);
