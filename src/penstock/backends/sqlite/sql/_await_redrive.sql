-- With dependencies pending the run waits until these were redriven, too.
-- args: n
insert into penstock_wake (n, idle, calls, signals) values (:n, 1, '[]', '{}');
insert into penstock_mark (n, redrive) values (:n, 1) on conflict (n) do update set redrive = 1, below = 0;
insert or ignore into penstock_ring values ('u');
