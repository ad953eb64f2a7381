-- The rest of fork: what stands beside the row `n` of the original goes with its copy.
-- args: n copy upto now
insert into penstock_large select :copy, l.input from penstock_large l where l.n = :n;
insert or ignore into penstock_tag
select t.value, :copy from penstock_run r join json_each(r.tags) t where r.n = :copy;
insert into penstock_step
select
    :copy, s.path, s.no, s.scope, s.position, s.seen, s.kind, s.value, s.error, s.input_hash, s.child_id,
    s.signal, s.signal_seq, s.recorded_at
from penstock_step s where s.n = :n order by s.no limit :upto;
update penstock_run set
    rollbacks = exists (select 1 from penstock_step s where s.n = :copy and s.kind = 'rollback'),
    mail = exists (select 1 from penstock_signal s where s.n = :n)
where n = :copy;
insert into penstock_signal (n, name, seq, no, payload, at)
select
    :copy, m.name, row_number() over (partition by m.name order by m.no), m.no, m.payload, m.at
from penstock_signal m
where m.n = :n and not exists (
    select 1 from penstock_step s where s.n = :copy and s.signal = m.name and s.signal_seq = m.seq
);
insert into penstock_do_activate values (:copy, :now);
