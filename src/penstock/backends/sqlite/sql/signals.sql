-- The mailbox of a run, in the order of arrival.
select s.name, s.seq, s.payload, s.at
from penstock_run r join penstock_signal s on s.n = r.n
where r.id = :run_id
order by s.no
