-- One message to one run.
-- args: n id over name payload once now
insert into penstock_answer (i, word, path)
select 0, case
    when exists (select 1 from penstock_heard h where h.n = :n and h.name = :name and h.once = :once) then 'duplicate'
    when :over then 'finished'
    else 'ok'
end, :id;
select raise(ignore) where exists (select 1 from penstock_answer a where a.word <> 'ok');
insert into penstock_heard select :n, :name, :once where :once is not null;
update penstock_tick set serial = serial + 1;
insert into penstock_signal (n, name, seq, no, payload, at)
select :n, :name, 1 + coalesce(max(s.seq), 0), (select t.serial from penstock_tick t), :payload, :now
from penstock_signal s where s.n = :n and s.name = :name;
update penstock_run set mail = 1, idle_claims = 0 where n = :n;
insert into penstock_do_wake values (:n, :now);
