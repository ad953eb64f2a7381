-- A run needs its key no more: it goes to who waits for it; else it stands until `ends`, or, for NULL, is forgotten.
-- args: id task key ends kept now
update penstock_key set next_id = null where task = :task and key = :key and next_id = :id;
insert into penstock_do_hand_over
select f.n, :id, :task, :key, :now
from penstock_key k join penstock_run f on f.id = k.next_id
where k.task = :task and k.key = :key and k.run_id = :id and k.expires_at is null limit 1;
update penstock_key set expires_at = :ends
where :ends is not null and task = :task and key = :key and run_id = :id and expires_at is null;
delete from penstock_key where :ends is null and not :kept and task = :task and key = :key and run_id = :id;
