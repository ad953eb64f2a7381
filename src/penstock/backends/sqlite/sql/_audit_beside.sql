-- What is wrong with what stands beside the runs, one sentence each.
select 'key ' || quote(k.key) || ' of task ' || k.task || ' stands for ' || k.run_id || ', which is gone, and never expires'
from penstock_key k
where k.expires_at is null and not exists (select 1 from penstock_run r where r.id = k.run_id);
select r.id || ' awaits calls, and has counted them wrong'
from (
    select w.n, e.key as entry,
        json_extract(e.value, '$[1]') - count(case when c.state = 'succeeded' then 1 end) as missing,
        count(case when a.n is not null and (c.n is null or c.over and c.state <> 'succeeded') then 1 end) as bad
    from penstock_wake w
    join json_each(w.calls) e
    left join penstock_awaited a on a.n = w.n and a.entry = e.key
    left join penstock_run c on c.id = a.child_id and c.parent = w.n
    group by w.n, e.key
) x
join penstock_run r on r.n = x.n
left join penstock_entry o on o.n = x.n and o.entry = x.entry
where o.missing is not x.missing or o.bad is not x.bad;
select 'run number ' || b.n || ' is gone, and has left something in ' || b.place
from (
    select n, 'large' as place from penstock_large union all select n, 'tag' from penstock_tag
    union all select n, 'wake' from penstock_wake union all select n, 'entry' from penstock_entry
    union all select n, 'awaited' from penstock_awaited union all select n, 'mark' from penstock_mark
    union all select n, 'step' from penstock_step union all select n, 'signal' from penstock_signal
    union all select n, 'heard' from penstock_heard union all select n, 'log' from penstock_log
    union all select n, 'about' from penstock_about
) b
where not exists (select 1 from penstock_run r where r.n = b.n)
group by b.n, b.place;
select r.id || ' has terms that are not stored'
from penstock_run r where not exists (select 1 from penstock_terms t where t.id = r.terms)
