-- Another input; a large one stands apart, so that moves need not write it anew.
-- args: n input
delete from penstock_large where n = :n;
insert into penstock_large select :n, :input where length(:input) > 2048;
update penstock_run set input = case when length(:input) <= 2048 then :input end where n = :n;
