-- Why the run r must not start here; NULL if it may.
case
    when r.idle_claims >= 1000 then case when r.ending is null then 'loop' else 'as asked' end
    when r.ending is null and r.parent is not null and exists (
        select 1 from penstock_mark m
        where m.n = r.parent and (
            -- @include _doomed
        )
    ) then 'parent'
    when r.ending is null and r.expires_at <= :now and r.claims = 0 then 'expired'
    when r.ending is null and r.deadline_at <= :now then 'deadline'
    when (
        -- @include _able
    ) then null
    else 'unable'
end
