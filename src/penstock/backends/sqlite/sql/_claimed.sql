-- What a claim has brought: the runs that its worker still holds.
select json_group_array(json_array(
    r.id, r.fence, r.task, r.queue, r.version, length(coalesce(r.input, l.input)), length(r.options),
    r.failures, r.life, r.history, r.claims, r.crashes,
    r.crashes and r.crashes + 1 >= (select t.crashes from penstock_terms t where t.id = r.terms),
    r.enqueued_at, r.started_at, r.priority, r.deadline_at,
    r.key, case when r.parent is not null then (select p.id from penstock_run p where p.n = r.parent) end, r.root_id,
    json(r.tags), r.pending, r.finishes, r.early,
    case when r.mail then (
        select json_group_object(m.name, m.seq)
        from (select s.name, max(s.seq) as seq from penstock_signal s where s.n = r.n group by s.name) m
    ) end,
    r.ending, r.reason,
    case when r.about then (
        select json_array(
            a.run_id, a.life, a.task, a.state, a.attempts, a.cause, a.cause_id, hex(a.error), hex(a.result),
            a.error is null, a.result is null
        )
        from penstock_about a where a.n = r.n
    ) end,
    r.schedule, r.nominal_at, exists (select 1 from penstock_step s where s.n = r.n)
)), cast(group_concat(coalesce(r.input, l.input) || r.options, '') as blob), (
    select c.more from penstock_claim c where c.worker = :worker and c.claim_id = :claim_id
)
from penstock_claim c
join json_each(c.runs) k
cross join penstock_run r on r.n = k.value
left join penstock_large l on l.n = case when r.input is null then r.n end
where c.worker = :worker and c.claim_id = :claim_id and r.state = 'running' and r.token = :claim_id
