-- Insert the children of held runs that stand in `incoming`, or find those that an earlier try inserted.
-- args: now
insert into penstock_do_enter select x.g, :now from penstock_group x order by x.g;
