-- Leave a message in the run's mailbox; with `start` (a group in `incoming`) a run that is not there comes into being.
-- args: name payload run_id task key once now
delete from penstock_target;
insert into penstock_target
select r.n from penstock_run r where r.id = case
    when :run_id is not null then :run_id
    when :key is not null then (select k.run_id from penstock_key k where k.task = :task and k.key = :key)
    else (
        select coalesce(
            (select o.id from penstock_run o where o.id = i.id),
            (
                select k.run_id from penstock_key k
                where k.task = i.task and k.key = i.key and (k.expires_at is null or k.expires_at > :now)
            )
        )
        from penstock_incoming i
    )
end;
insert into penstock_do_enter
select x.g, :now from penstock_group x where not exists (select 1 from penstock_target) limit 1;
insert into penstock_target
select coalesce(i.n, (select r.n from penstock_run r where r.id = i.known_id)) from penstock_incoming i
where not exists (select 1 from penstock_target) and not exists (select 1 from penstock_refused);
insert into penstock_do_deliver
select r.n, r.id, r.over, :name, :payload, :once, :now
from penstock_target t join penstock_run r on r.n = t.n limit 1;
insert into penstock_answer (i, word, path)
select 0, f.answer, f.run_id from penstock_refused f where not exists (select 1 from penstock_answer);
-- What the key of `start` stands for is purged.
insert into penstock_answer (i, word, path)
select 0, 'finished', i.known_id from penstock_incoming i
where i.known_id is not null and not exists (select 1 from penstock_answer);
insert into penstock_answer (i, word) select 0, 'not_found' where not exists (select 1 from penstock_answer);
