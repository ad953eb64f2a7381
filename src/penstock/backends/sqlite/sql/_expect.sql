-- Count anew what has become of the calls that a waiting run waits for.
-- args: n
delete from penstock_entry where n = :n;
insert into penstock_entry
select
    :n, e.key, json_extract(e.value, '$[1]') - count(case when c.state = 'succeeded' then 1 end),
    count(case when a.n is not null and (c.n is null or c.over and c.state <> 'succeeded') then 1 end)
from penstock_wake w
join json_each(w.calls) e
left join penstock_awaited a on a.n = w.n and a.entry = e.key
left join penstock_run c on c.id = a.child_id and c.parent = w.n
where w.n = :n
group by e.key;
