-- One tick of a schedule: if it still stands there, move it on and enqueue the run that stands in `incoming`.
-- args: name revision at next_at overlap passed now
delete from penstock_target;
insert into penstock_target
select r.n from penstock_run r
where r.schedule = :name and not r.over order by r.n;
insert into penstock_answer (i, word)
select 0, case
    when s.name is null then 'not_found'
    when s.revision <> :revision or s.next_at is not :at or s.paused then 'duplicate'
    when not exists (select 1 from penstock_group) then 'none'
    when :overlap = 'skip' and exists (select 1 from penstock_target) then 'state'
    else 'ok'
end
from (select 1) left join penstock_schedule s on s.name = :name;
select raise(ignore) from penstock_answer a where a.word in ('not_found', 'duplicate');
insert into penstock_do_enter
select x.g, :now from penstock_group x where exists (select 1 from penstock_answer a where a.word = 'ok') limit 1;
update penstock_answer set word = (select f.answer from penstock_refused f)
where exists (select 1 from penstock_refused);
insert into penstock_do_cancel_run
select t.n, :now, 'cancel', 0, 'replaced', 1 from penstock_target t
where :overlap = 'replace' and exists (select 1 from penstock_answer a where a.word = 'ok')
    and exists (
        select 1 from penstock_run r
        where r.n = t.n and not r.over
    );
update penstock_schedule set
    next_at = :next_at,
    fired = fired + exists (select 1 from penstock_answer a where a.word = 'ok'),
    skipped = skipped + case (select a.word from penstock_answer a) when 'ok' then 0 when 'none' then :passed else 1 end,
    last_at = case when exists (select 1 from penstock_answer a where a.word = 'ok') then :at else last_at end
where name = :name;
update penstock_answer set word = 'ok' where word = 'none';
