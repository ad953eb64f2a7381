-- Keep alive what a claim has brought, as `extend` does, by its worker: the answer has not reached it yet.
-- args: worker claim_id lease now
update penstock_run set alarm_at = :now + :lease
where state = 'running' and alarm_at is not null and worker = :worker and token = :claim_id
    and (ending is null or told or ending_at is null or :now < ending_at + :lease);
