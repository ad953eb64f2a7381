-- This worker is alive for a while; `until` NULL: it is gone.
-- args: worker info abilities queues until
delete from penstock_claim where :until is null and worker = :worker;
delete from penstock_worker where :until is null and worker = :worker;
select raise(ignore) where :until is null;
insert or ignore into penstock_ring
select 'q:' || q.value from json_each(:queues) q
where not exists (select 1 from penstock_worker w where w.worker = :worker and w.abilities = :abilities);
insert into penstock_worker values (:worker, :info, :abilities, :until)
on conflict (worker) do update set
    info = excluded.info, abilities = excluded.abilities, expires_at = excluded.expires_at;
