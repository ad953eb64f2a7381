-- Nothing of this rate, or of any that the run uses, starts for a while.
-- args: i run_id token name key until
insert into penstock_answer (i, word)
select :i, case
    when r.n is null then 'lost'
    when :name <> '' and not exists (select 1 from penstock_limit d where d.name = :name) then 'not_found'
    when not exists (
        select 1 from json_each(r.limits) e
        join penstock_limit d on d.name = json_extract(e.value, '$[0]') and d.period is not null
        where :name = '' or d.name = :name and json_extract(e.value, '$[1]') = :key
    ) then 'invalid'
    else 'ok'
end
from (select 1)
left join penstock_run r on r.id = :run_id and r.token = :token and r.state = 'running';
insert into penstock_line (name, key, blocked_until)
select d.name, json_extract(e.value, '$[1]'), :until
from penstock_run r
join json_each(r.limits) e
join penstock_limit d on d.name = json_extract(e.value, '$[0]') and d.period is not null
where r.id = :run_id and (:name = '' or d.name = :name and json_extract(e.value, '$[1]') = :key)
    and exists (select 1 from penstock_answer a where a.i = :i and a.word = 'ok')
on conflict (name, key) do update set blocked_until = max(coalesce(blocked_until, 0), excluded.blocked_until);
insert or ignore into penstock_ring values ('u');
