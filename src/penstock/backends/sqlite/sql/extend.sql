-- Keep a lease alive. Who was asked to end has one more lease to do so; who was claimed for the rollbacks has all the time
-- they take.
-- args: i run_id token lease now
update penstock_run set alarm_at = :now + :lease
where id = :run_id and token = :token and state = 'running'
    and (ending is null or told or ending_at is null or :now < ending_at + :lease);
insert into penstock_answer (i, word)
select :i, case when r.n is null then 'lost' else 'stop' end
from (select 1) left join penstock_run r on r.id = :run_id and r.token = :token and r.state = 'running'
where r.n is null or r.ending is not null;
