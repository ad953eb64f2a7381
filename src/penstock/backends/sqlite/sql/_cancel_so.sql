-- The rest of _cancel_run. `called_off`: the rollbacks for which the run was queued.
-- args: called_off n now cause by_parent
insert into penstock_do_finish
select :n, :now, 'cancelled', :cause, null, null, null, :by_parent, null where :called_off;
insert into penstock_do_end select :n, :now, 'cancelled', :cause, null, null, :by_parent where not :called_off;
