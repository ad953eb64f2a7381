-- The rest of record, for the holder of the lease.
-- args: i n idle_claims rollbacks path scope position seen kind value error input_hash child_id signal signal_seq silent arrived now
insert into penstock_answer (i, word, n, path)
select :i, 'duplicate', :n, :path
where exists (select 1 from penstock_step s where s.n = :n and s.path = :path);
select raise(ignore) where exists (select 1 from penstock_step s where s.n = :n and s.path = :path);
insert into penstock_answer (i, word)
select :i, 'state'
where :silent <> '' and exists (
    select 1 from penstock_signal m where m.n = :n and m.name = :silent and m.seq > :arrived
);
select raise(ignore)
where :silent <> '' and exists (
    select 1 from penstock_signal m where m.n = :n and m.name = :silent and m.seq > :arrived
);
update penstock_tick set serial = serial + 1;
insert into penstock_step
select
    :n, :path, t.serial, :scope, :position, :seen, :kind, :value, :error, :input_hash, :child_id,
    :signal, :signal_seq, :now
from penstock_tick t;
update penstock_run set idle_claims = 0, rollbacks = rollbacks or :kind = 'rollback',
    plain = case when :kind <> 'rollback' then plain end
where n = :n and (:idle_claims > 0 or :kind = 'rollback' and not :rollbacks);
insert into penstock_do_note select :n, :now, 'step', cast(:path as blob), 0 where :kind = 'step';
insert or ignore into penstock_ring select 'l:' || r.id from penstock_run r where r.n = :n and :kind = 'step';
