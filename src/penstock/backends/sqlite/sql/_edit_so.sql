-- The rest of edit, for a run that may be changed.
-- args: n priority input clear_log line_name line_key place ready ending now
insert into penstock_do_put_input select :n, :input where :input is not null;
delete from penstock_log where n = :n and :clear_log;
insert into penstock_do_step_out select :n where :priority is not null and :ready = 0;
-- Nobody of its new priority is overtaken; the line may offer to the old one.
update penstock_run set
    priority = :priority,
    place = case when :place = 'out' and :ending is null then 'line' else place end,
    ready = case when :place = 'out' and :ending is null or :ready = 0 then null else ready end
where n = :n and :priority is not null;
insert into penstock_do_step_up
select :n, :now where :priority is not null and :ready = 0 and (:place is null or :ending is not null);
insert into penstock_do_offer
select :line_name, :line_key, :now where :priority is not null and :line_name is not null;
