"""What why.sql found about a run, as facts of the contract."""

import msgspec

from penstock.backends.sqlite.decode import Stored
from penstock.backends.sqlite.moments import seconds
from penstock.core.reasons import Facts


def facts_of(found: Stored) -> Facts:
    """From the row."""
    _, place, name, key, rate, queue_paused, task_paused, due_at, pending, behind, before, key_paused = found
    return Facts(
        queue_paused=bool(queue_paused),
        task_paused=bool(task_paused),
        key_paused=(name, key) if key_paused else None,
        line=(name, key) if place == "line" else None,
        is_rate=bool(rate),
        due_at=seconds(due_at),
        behind=behind is not None,
        pending=msgspec.json.decode(pending, type=tuple[str, ...]),
        before=before,
    )
