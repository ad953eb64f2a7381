-- A new run whose key stands for another one: it waits for that one's end, or has its input taken over, or neither.
-- args: g i n id state claims ending next_id replace follow now
update penstock_incoming set
    known_id = null, follows = 1, waits = 1, wake_at = null, wake_delay = null, idle = 0, finishes = null, early = null,
    calls = '[]', signals = '{}'
where g = :g and i = :i and :follow and :next_id is null and :n is not null
    and :state not in ('succeeded', 'failed', 'cancelled')
    and not (:replace and :state in ('scheduled', 'queued') and :claims = 0 and :ending is null);
update penstock_incoming set rewrites = 1, known_id = case when :follow then coalesce(:next_id, :id) else :id end
where g = :g and i = :i and not follows and (
    :follow and :next_id is not null
    or :replace and :state in ('scheduled', 'queued') and :claims = 0 and :ending is null
);
