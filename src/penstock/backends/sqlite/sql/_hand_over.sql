-- The key goes on to who waited for it, and that one goes on.
-- args: n id task key now
update penstock_key set (run_id, input_hash, next_id) = (select r.id, r.key_hash, null from penstock_run r where r.n = :n)
where task = :task and key = :key;
insert into penstock_do_let_go values (:n, :now);
