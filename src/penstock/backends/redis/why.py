"""What why.lua found about a run, as facts of the contract."""

from penstock.backends.redis.calls import Reply
from penstock.backends.redis.moments import seconds
from penstock.backends.redis.refs import id_of
from penstock.core.reasons import Facts


def facts_of(found: Reply) -> Facts:
    """From the reply; what the run itself tells comes first there, and is left out here."""
    _, queue_paused, task_paused, line, period, due_at, pending, behind, before, paused = found
    return Facts(
        queue_paused=bool(queue_paused),
        task_paused=bool(task_paused),
        key_paused=None if paused is None else _pair(paused),
        line=None if line is None else _pair(line),
        is_rate=period is not None,
        due_at=seconds(due_at),
        behind=behind is not None,
        pending=tuple(map(id_of, pending)),
        before=None if before is None else id_of(before),
    )


def _pair(line: bytes) -> tuple[str, str]:
    name, _, key = line.decode().partition(":")
    return name, key
