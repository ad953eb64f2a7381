-- Move queued runs that the worker can run to running: queues as asked; priority, woken, rank.
-- args: claim_id worker abilities queues wanted lease now
update penstock_claim set more = 0 where worker = :worker and claim_id = :claim_id;
select raise(ignore) where exists (
    select 1 from penstock_claim c where c.worker = :worker and c.claim_id = :claim_id
);
delete from penstock_taken;
insert or replace into penstock_claiming (one, claim_id, worker, abilities, wanted, until)
values (1, :claim_id, :worker, :abilities, :wanted, :now + :lease);
insert into penstock_do_claim_queue select q.value, :now from json_each(:queues) q order by q.key;
insert or replace into penstock_claim (worker, claim_id, runs, more)
select
    c.worker, c.claim_id, (select json_group_array(k.n) from (select n from penstock_taken order by k) k), c.more
from penstock_claiming c where c.one = 1;
