-- What has been stored of calls that may be repeated: the lines of a run's log, the counts of a worker.
alter table penstock_run add column line integer; -- number of the last numbered line of the log, ...
alter table penstock_run add column lines text; -- ... and the token it was stored under
create table penstock_flush (worker text primary key, number integer not null, at integer not null) without rowid;
create index penstock_flushed on penstock_flush (at);
