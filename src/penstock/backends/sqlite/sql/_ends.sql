-- When upkeep must look whether the run was started, finished or closed in time.
-- args: n
update penstock_run set ends_at = case
    when ending is null and not over then nullif(
        min(
            coalesce(deadline_at, 9e18), coalesce(case when claims = 0 then expires_at end, 9e18),
            coalesce(case when open then opened_at + 600000000 end, 9e18)
        ),
        9e18
    )
end
where n = :n;
insert or ignore into penstock_ring values ('u');
