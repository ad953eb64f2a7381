-- Let a waiting run go if what it waits for has happened.
-- args: n now
insert into penstock_do_let_go
select :n, :now
from penstock_run r left join penstock_wake w on w.n = r.n
where r.n = :n and r.state = 'waiting' and not r.open
    and not exists (select 1 from penstock_mark m where m.n = r.n and m.redrive)
    and case
        when r.returned then r.pending = 0
        when w.n is null or w.at <= :now or w.idle and r.pending = 0 then 1
        when r.finishes >= w.finishes or r.early >= w.early then 1
        when w.calls <> '[]' and exists (
            select 1 from penstock_entry e where e.n = r.n and (e.missing <= 0 or e.bad > 0)
        ) then 1
        when w.signals <> '{}' then exists (
            select 1 from json_each(w.signals) s
            where s.value <= (
                select coalesce(max(m.seq), 0) from penstock_signal m where m.n = r.n and m.name = s.key
            )
        )
    end limit 1;
