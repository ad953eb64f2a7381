-- Fair runs, and keys that end early, stand for a time, or go on to who waits for them.
alter table penstock_run add column fair text; -- the value by which it goes round robin
alter table penstock_run add column weight integer;
alter table penstock_run add column key_starts integer; -- 1: its key stands until it starts
alter table penstock_run add column key_every integer; -- its key stands so long from its enqueueing
alter table penstock_key add column next_id text; -- who waits for the end of the run
-- The fair runs that stand where claims look, if they have a turn, or behind these; of them `ready` is 0.
create table penstock_turn (
    n integer primary key,
    queue text not null,
    fair text not null,
    turn integer,
    weight integer not null,
    priority integer not null,
    woken integer not null,
    rank integer not null
);
create index penstock_turning on penstock_turn (queue, turn) where turn is not null;
create index penstock_up on penstock_turn (queue, fair) where turn is not null;
create index penstock_behind on penstock_turn (queue, fair, priority desc, woken desc, rank) where turn is null;
create index penstock_weight on penstock_turn (queue, fair, weight);
