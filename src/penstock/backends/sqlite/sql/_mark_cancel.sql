-- Upkeep will cancel the run's children of these kinds; the run itself is over, or asked to end.
-- args: n dependencies calls started
insert into penstock_mark (n, dependencies, calls, started) values (:n, :dependencies, :calls, :started)
on conflict (n) do update set
    dependencies = max(dependencies, excluded.dependencies), calls = max(calls, excluded.calls),
    started = max(started, excluded.started), upto = null, below = 0,
    closing = 0, redrive = 0; -- what is cancelled is not let in any more, nor brought back
insert or ignore into penstock_ring values ('u');
