-- The records of the present history, in the order written.
select
    s.path, s.scope, s.position, s.seen, s.kind, s.value, s.error, s.input_hash, s.child_id, s.signal, s.signal_seq,
    s.recorded_at
from penstock_run r join penstock_step s on s.n = r.n
where r.id = :run_id
order by s.no
