-- The run is the worker's that claims.
state = 'running', ready = null, since_at = :now, started_at = :now,
alarm_at = (select c.until from penstock_claiming c where c.one = 1),
ends_at = case when ends_at is not null and ending is null then deadline_at end,
token = (select c.claim_id from penstock_claiming c where c.one = 1),
worker = (select c.worker from penstock_claiming c where c.one = 1),
claimed_at = case when life = 1 then coalesce(claimed_at, :now) else claimed_at end, claims = claims + 1, idle_claims = idle_claims + 1,
told = ending is not null, fence = max(fence + 1, :now)
