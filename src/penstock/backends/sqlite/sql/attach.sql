-- Make an existing run a dependency of an existing run that is not finished.
-- args: run_id parent_id kind if_fails name cascade now
insert into penstock_answer (i, word)
select 0, 'not_found'
where not exists (select 1 from penstock_run r, penstock_run p where r.id = :run_id and p.id = :parent_id);
insert into penstock_answer (i, word)
select 0, 'invalid' from penstock_run r
where r.id = :run_id and (r.key is not null or :kind <> 'dependency') and not exists (select 1 from penstock_answer);
select raise(ignore) where exists (select 1 from penstock_answer);
insert into penstock_do_check_parent select 0, 0, p.n from penstock_run p where p.id = :parent_id limit 1;
insert into penstock_do_check_adoption
select 0, 0, r.n, p.n, p.id, 'dependency' from penstock_run r, penstock_run p
where r.id = :run_id and p.id = :parent_id and not exists (select 1 from penstock_refused) limit 1;
insert into penstock_answer (i, word) select 0, f.answer from penstock_refused f;
insert into penstock_do_adopt
select r.n, p.n, :if_fails, :name, :cascade, :now from penstock_run r, penstock_run p
where r.id = :run_id and p.id = :parent_id and not exists (select 1 from penstock_refused) limit 1;
