-- The steps that stand where others should have been recorded.
select
    a.i, s.path, s.scope, s.position, s.seen, s.kind, s.value, s.error, s.input_hash, s.child_id, s.signal, s.signal_seq,
    s.recorded_at
from penstock_answer a join penstock_step s on s.n = a.n and s.path = a.path
where a.word = 'duplicate'
