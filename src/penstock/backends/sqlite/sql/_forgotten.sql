-- Who waits no longer, awaits nobody.
-- on: after delete on penstock_wake when old.calls <> '[]'
delete from penstock_awaited where n = old.n;
delete from penstock_entry where n = old.n;
