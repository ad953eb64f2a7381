-- The records of the present history at these paths, in the order written.
select
    s.path, s.scope, s.position, s.seen, s.kind, s.value, s.error, s.input_hash, s.child_id, s.signal, s.signal_seq,
    s.recorded_at
from penstock_run r
    cross join json_each(:paths) p
    join penstock_step s on s.n = r.n and s.path = p.value
where r.id = :run_id
order by s.no
