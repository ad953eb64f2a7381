-- Begin another life, if that may be. `cascading`: asked for by a mark above, not by hand; `i`: NULL = nobody asks.
-- `input`: as of redrive.
-- args: i n cascading input now
-- What an older cancel has not reached goes on with the new life.
update penstock_mark set dependencies = 0, calls = 0, started = 0
where :cascading and n = :n
    and exists (select 1 from penstock_run r where r.n = :n and r.over);
insert into penstock_do_redrive_so
select :i, :n, r.id, :now, case
    when not r.over then 'state'
    when not :cascading and exists (
        select 1 from penstock_mark m
        where m.n in (r.n, r.parent) and (m.dependencies or m.calls or m.started or m.remove)
    ) then 'cascading'
    when k.run_id <> r.id and (k.expires_at is null or k.expires_at > :now) then 'key_conflict'
    else 'ok'
end, r.task, r.key, case when :input is null then r.forget end, :input
from penstock_run r left join penstock_key k on k.task = r.task and k.key = r.key
where r.n = :n limit 1;
