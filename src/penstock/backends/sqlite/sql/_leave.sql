-- Take the run from where it stands; its line, if any, offers the place to the next.
-- args: n now
insert into penstock_do_left select :n, r.line_name, r.line_key, :now from penstock_run r where r.n = :n limit 1;
