-- Whether the worker that claims can run r, and may.
exists (
    select 1 from penstock_ability a
    where a.abilities = c.abilities and a.task = r.task and (r.version = '' or r.version = a.version)
        and (r.refused = '' or instr(char(10) || r.refused || char(10), char(10) || a.fingerprint || char(10)) = 0)
)
and not exists (select 1 from penstock_pause p where p.kind = 'task' and p.name = r.task)
