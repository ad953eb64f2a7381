-- The step that stands at this path of a held run.
select
    s.path, s.scope, s.position, s.seen, s.kind, s.value, s.error, s.input_hash, s.child_id, s.signal, s.signal_seq,
    s.recorded_at
from penstock_run r join penstock_step s on s.n = r.n and s.path = :path
where r.id = :run_id and r.token = :token and r.state = 'running'
