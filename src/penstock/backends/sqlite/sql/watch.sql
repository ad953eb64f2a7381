-- How the runs stand. Nothing is noted: ends ring whoever listens in their process, and all listeners in the others.
select r.id, r.state from penstock_run r where r.id in (select i.value from json_each(:run_ids) i)
