-- Whether a new run may have its key: other runs that have it must have the same input.
-- args: g i id key task input_hash kind now
insert or ignore into penstock_refused
select :g, :i, 'invalid', :id, 'a key is refused on dependencies, calls and runs with children'
where :kind <> 'started' or exists (select 1 from penstock_incoming c where c.g = :g and c.parent_id = :id)
    or exists (select 1 from penstock_group x where x.g = :g and x.flow = :id);
insert or ignore into penstock_refused
select :g, :i, 'key_conflict', k.run_id, 'key ' || quote(:key) || ' stands for other input'
from penstock_key k
where k.task = :task and k.key = :key and k.input_hash <> :input_hash
    and (k.expires_at is null or k.expires_at > :now);
insert or ignore into penstock_refused
select :g, :i, 'key_conflict', null, 'key ' || quote(:key) || ' stands for other input'
where (
    select o.input_hash from penstock_incoming o
    where o.g = :g and o.task = :task and o.key = :key and o.known is null order by o.i limit 1
) <> :input_hash
    and not exists (
        select 1 from penstock_key k
        where k.task = :task and k.key = :key and (k.expires_at is null or k.expires_at > :now)
    );
