-- Nothing of this rate starts for a while.
-- args: i run_id token name key until
insert into penstock_answer (i, word)
select :i, case
    when r.n is null then 'lost'
    when d.name is null then 'not_found'
    when d.period is null or not exists (
        select 1 from json_each(r.limits) e where json_extract(e.value, '$[0]') = :name and json_extract(e.value, '$[1]') = :key
    ) then 'invalid'
    else 'ok'
end
from (select 1)
left join penstock_run r on r.id = :run_id and r.token = :token and r.state = 'running'
left join penstock_limit d on d.name = :name;
insert into penstock_line (name, key, blocked_until)
select :name, :key, :until where exists (select 1 from penstock_answer a where a.i = :i and a.word = 'ok')
on conflict (name, key) do update set blocked_until = max(coalesce(blocked_until, 0), excluded.blocked_until);
insert or ignore into penstock_ring values ('u');
