-- What the bad end of a dependency does, by the table of policies.
-- args: parent n id if_fails error now
insert into penstock_do_effect
select p.effect, :parent, :n, :id, :error, :now
from penstock_run r, penstock_policy p
where r.n = :parent and p.if_fails = :if_fails and p.parent = case
    when r.state = 'running' then 'running'
    when r.state = 'waiting' then case when r.returned then 'returned' else 'waiting' end
    when not r.over then 'unstarted'
    else 'finished'
end limit 1;
