-- Settled with a request to end: the run ends so, unless it comes back for its rollbacks.
-- args: n now way settled cause error
update penstock_run set
    settled = :settled,
    ending_cause = case when rollbacks and not told and ending = 'failed' and :way = 'fail' then :cause else ending_cause end,
    ending_error = case when rollbacks and not told and ending = 'failed' and :way = 'fail' then :error else ending_error end,
    ending_id = case when rollbacks and not told and ending = 'failed' and :way = 'fail' then null else ending_id end
where n = :n;
insert into penstock_do_queue
select :n, :now, 0, null from penstock_run r
where r.n = :n and r.rollbacks and not (r.told and (:way = 'complete' or :way = 'fail')) limit 1;
insert into penstock_do_finish
select :n, :now, 'failed', :cause, null, :error, null, 0, null from penstock_run r
where r.n = :n and r.state = 'running' and r.ending = 'failed' and :way = 'fail' limit 1;
insert into penstock_do_finish_as_asked
select :n, :now from penstock_run r where r.n = :n and r.state = 'running' limit 1;
