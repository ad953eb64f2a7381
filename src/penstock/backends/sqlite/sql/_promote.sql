-- A run's moment has come.
-- args: n now
insert into penstock_do_promote_so select r.n, r.state, :now from penstock_run r where r.n = :n;
