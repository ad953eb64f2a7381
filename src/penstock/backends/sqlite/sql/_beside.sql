-- What stands beside the run r.
join penstock_terms t on t.id = r.terms
left join penstock_large l on l.n = r.n and r.input is null
left join penstock_run p on p.n = r.parent
left join penstock_wake w on w.n = r.n and r.state = 'waiting'
