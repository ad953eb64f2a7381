-- What has been stopped.
select x.kind, x.name from penstock_pause x
union all
select 'schedule', s.name from penstock_schedule s where s.paused
order by 1, 2
