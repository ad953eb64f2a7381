-- The rest of _redrive_run, with its answer.
-- args: i n id now word task key forget input
insert into penstock_answer (i, word) select :i, :word where :i is not null and :word <> 'ok';
select raise(ignore) where :word <> 'ok';
update penstock_key set
    run_id = :id, expires_at = null, input_hash = (select r.key_hash from penstock_run r where r.n = :n)
where task = :task and key = :key;
insert into penstock_key (task, key, input_hash, run_id)
select :task, :key, r.key_hash, r.id from penstock_run r
where r.n = :n and r.key is not null
    and not exists (select 1 from penstock_key k where k.task = :task and k.key = :key);
insert into penstock_do_note
select :n, r.since_at, 'finished', cast(r.state as blob), 0 from penstock_run r where r.n = :n limit 1;
insert into penstock_do_note values (:n, :now, 'redriven', x'', 0);
insert into penstock_do_bring_back
select p.n, :n, :now from penstock_run r join penstock_run p on p.n = r.parent
where r.n = :n and r.kind = 'dependency' and r.counted and not p.over limit 1;
insert into penstock_do_forget
select :n, f.value, :now from json_each(:forget) f;
insert into penstock_do_put_input select :n, :input where :input is not null;
update penstock_run set
    life = life + 1, history = history + (:input is not null), claims = 0, idle_claims = 0, failures = 0, crashes = 0, releases = 0,
    result = null, error = null, cause = null, cause_id = null, reason = null, settled = null,
    started_at = null, expires_at = null, deadline_at = :now + deadline, by_parent = 0, dead_no = null,
    rank = null, woken = 0, refused = '', alarm_at = null, forget = null,
    rollbacks = exists (select 1 from penstock_step s where s.n = :n and s.kind = 'rollback'),
    own_delay = case when pending > 0 then null else own_delay end,
    state = 'waiting', over = 0, since_at = :now
where n = :n;
update penstock_run set expires_at = :now + expires where n = :n and pending = 0;
insert into penstock_do_ends
select :n from penstock_run r where r.n = :n and (r.deadline_at is not null or r.expires_at is not null) limit 1;
insert into penstock_do_await_redrive select :n from penstock_run r where r.n = :n and r.pending > 0 limit 1;
insert into penstock_do_queue select :n, :now, 0, null from penstock_run r where r.n = :n and r.pending = 0 limit 1;
insert into penstock_do_unblock
select p.n from penstock_run r join penstock_run p on p.n = r.parent where r.n = :n and p.blocked_by = r.id limit 1;
insert into penstock_do_expect
select a.n from penstock_run r join penstock_awaited a on a.n = r.parent and a.child_id = r.id where r.n = :n limit 1;
