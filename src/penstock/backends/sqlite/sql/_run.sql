-- The run r as its readers see it; t are its terms, p is its parent, w its wake, l its large input.
json_array(
    r.id, r.task, r.queue, r.version, r.state, r.life, r.history,
    length(coalesce(r.input, l.input)), length(r.options), length(r.result), length(r.error),
    r.priority, r.enqueued_at, r.since_at, r.alarm_at, r.started_at, r.expires_at, r.deadline_at,
    r.claims, r.failures, r.crashes, r.releases, t.crashes, r.worker, r.key,
    p.id, r.root_id, r.kind, r.if_fails, r.name, t.siblings, r.pending, r.finishes, r.early, r.counted,
    case when w.n is not null then
        json_array(w.at, w.delay, w.idle, w.finishes, w.early, json(w.calls), json(w.signals))
    end,
    r.returned, r.blocked_by, r.open, r.ending, r.rollbacks, r.cause, r.cause_id, r.reason,
    json(r.limits), json(r.tags), t.succeeded, t.failed, t.newest, t.dead_letter, r.refused,
    r.schedule, r.nominal_at, r.fair, r.weight
)
