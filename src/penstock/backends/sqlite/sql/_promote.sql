-- A run's moment has come.
-- args: n now
insert into penstock_do_promote_so select :n, r.state, :now from penstock_run r where r.n = :n limit 1;
