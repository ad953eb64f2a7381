-- Drop a recorded error; the child behind it, if it has ended, starts again.
-- args: n path now
insert into penstock_do_forget_so
select :n, :path, s.child_id, :now from penstock_step s where s.n = :n and s.path = :path limit 1;
