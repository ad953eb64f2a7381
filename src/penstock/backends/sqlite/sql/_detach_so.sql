-- The rest of detach, for a dependency.
-- args: n parent id now
insert into penstock_do_count values (:parent, :n, :id, :now);
insert into penstock_do_cut values (:n);
insert into penstock_do_reroot values (:n, null, 0);
