-- The rest of release, for the holder of the lease. Code that does not fit is remembered.
-- args: n now settled refused unstarted limits ending rollbacks
insert into penstock_do_note select :n, :now, 'release', x'', 1 where not :unstarted;
update penstock_run set
    releases = releases + not :unstarted, claims = claims - :unstarted, idle_claims = idle_claims - :unstarted,
    settled = :settled,
    refused = case
        when :refused is null or :ending is not null and not :rollbacks then refused
        when refused = '' then :refused
        else (
            select group_concat(o.value, char(10))
            from (
                select value from json_each('["' || replace(refused, char(10), '","') || '"]')
                union select :refused order by 1
            ) o
        )
    end
where n = :n;
insert into penstock_do_ends select :n from penstock_run r where :unstarted and r.n = :n and r.expires_at is not null
limit 1;
insert into penstock_do_stand_for_key
select r.id, r.task, r.key, r.key_hash, :now from penstock_run r
where :unstarted and r.n = :n and r.key_starts and r.claims = 0 limit 1;
insert into penstock_do_free select :n where :limits is not null;
insert into penstock_do_settle_ending select :n, :now, 'release', :settled, null, null where :ending is not null;
insert into penstock_do_queue select :n, :now, 0, null where :ending is null;
insert into penstock_do_offer_freed select :n, :now where :limits is not null;
