-- The run has not begun after all: a key that its claim has ended stands for it again, if for nobody else.
-- args: id task key hash now
update penstock_key set
    expires_at = null, input_hash = :hash, next_id = case when run_id = :id then next_id end, run_id = :id
where task = :task and key = :key and (run_id = :id or expires_at <= :now);
insert into penstock_key (task, key, input_hash, run_id)
select :task, :key, :hash, :id
where not exists (select 1 from penstock_key k where k.task = :task and k.key = :key);
