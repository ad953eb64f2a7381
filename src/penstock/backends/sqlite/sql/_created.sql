-- What stands beside the row of a new run.
-- args: n id task key input_hash input tags parent kind waits wake_at wake_delay idle finishes early calls signals held follows now
insert into penstock_large select :n, :input where length(:input) > 2048;
insert or replace into penstock_key (task, key, input_hash, run_id, expires_at)
select :task, :key, :input_hash, :id, null where :key is not null and not :follows;
update penstock_key set next_id = :id where :follows and task = :task and key = :key;
insert or ignore into penstock_tag select t.value, :n from json_each(:tags) t;
insert into penstock_wake (n, at, delay, idle, finishes, early, calls, signals)
select
    :n,
    case
        when :held or :wake_delay is null then :wake_at
        else min(coalesce(:wake_at, 9e18), :now + :wake_delay)
    end,
    case when :held then :wake_delay end, :idle, :finishes, :early, :calls, :signals
where :waits;
insert into penstock_do_await select :n where :waits and :calls <> '[]';
insert into penstock_do_ends
select :n from penstock_run r where r.n = :n and (r.deadline_at is not null or r.expires_at is not null) limit 1;
update penstock_run set children = 1, plain = null, pending = pending + (:kind = 'dependency') where n = :parent;
insert into penstock_do_hold_back select :parent, :now where :kind = 'dependency';
