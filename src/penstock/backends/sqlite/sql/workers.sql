-- The workers that are alive.
select w.info, w.expires_at from penstock_worker w order by w.worker
