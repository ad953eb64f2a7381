-- The rest of _purge: the tree goes, or is marked to go bit by bit, or is looked at again in a minute.
-- args: n now way
update penstock_run set alarm_at = :now + 60000000 where n = :n and :way = 'later' and alarm_at <= :now;
insert into penstock_mark (n, remove, keep_keys) select :n, 1, 1 where :way = 'mark';
update penstock_tending set
    purged = purged + (select count(*) from penstock_below), left_over = left_over - (select count(*) from penstock_below)
where :way = 'now';
insert into penstock_do_delete select b.n, 1, :now from penstock_below b where :way = 'now' order by b.k desc;
