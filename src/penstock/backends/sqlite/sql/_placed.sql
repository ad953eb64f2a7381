-- Keep count of who stands where.
-- on: before update of place, line_name, line_key, priority on penstock_run when old.line_name is not null or new.line_name is not null or old.place = 'side' or new.place = 'side'
update penstock_stand set parked = parked - (old.place is 'line'), out = out - (old.place is 'out')
where name = old.line_name and key = old.line_key and queue = old.queue and priority = old.priority;
insert into penstock_stand (name, key, queue, priority, parked, out)
select new.line_name, new.line_key, new.queue, new.priority, new.place is 'line', new.place is 'out'
where new.line_name is not null
on conflict (name, key, queue, priority) do update set parked = parked + excluded.parked, out = out + excluded.out;
delete from penstock_stand
where name = old.line_name and key = old.line_key and queue = old.queue and priority = old.priority
    and parked = 0 and out = 0;
update penstock_side set runs = runs - 1
where old.place = 'side' and queue = old.queue and task = old.task and version = old.version and refused = old.refused;
insert into penstock_side (queue, task, version, refused, runs)
select new.queue, new.task, new.version, new.refused, 1 where new.place = 'side'
on conflict (queue, task, version, refused) do update set runs = runs + 1;
delete from penstock_side
where old.place = 'side' and queue = old.queue and task = old.task and version = old.version and refused = old.refused
    and runs = 0;
