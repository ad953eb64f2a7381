-- Give back the run's slots but those held to the end of a life. Whoever calls makes the offers (_offer_freed) once the
-- run stands where it goes: what comes back is older than what waits.
-- args: n
insert into penstock_freed
select s.n, s.name, s.key
from penstock_slot s left join penstock_limit d on d.name = s.name
where s.n = :n and d.hold is not 1;
update penstock_line set used = used - 1
where (name, key) in (select f.name, f.key from penstock_freed f where f.n = :n);
delete from penstock_slot where n = :n and (name, key) in (select f.name, f.key from penstock_freed f where f.n = :n);
