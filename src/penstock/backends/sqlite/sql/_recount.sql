-- A run that has not started has these limits, value and weight: queued, it finds its place anew, rank kept.
-- args: n state limits fair weight now
insert into penstock_do_leave select :n, :now where :state = 'queued';
update penstock_run set limits = :limits, fair = :fair, weight = :weight, plain = null where n = :n;
insert into penstock_do_place select :n, :now where :state = 'queued';
