"""What a run waits for, of what its calls stand for. Pure."""

from collections import Counter
from collections.abc import Sequence

from penstock.core.views import Signal
from penstock.core.wake import Wake
from penstock.models.batches import Batch
from penstock.models.calls import Need


def wake_of(standing: Sequence[Need], mailbox: Sequence[Signal]) -> Wake:
    """Whatever of it comes first; of children that are awaited together, as many as are worth it."""
    moments = [need.at for need in standing if need.at is not None]
    arrived = Counter(message.name for message in mailbox)
    alone = [((need.child_id,), 1) for need in standing if need.child_id and need.batch is None]
    together: dict[Batch, list[str]] = {}
    for need in standing:
        if need.child_id and need.batch is not None:
            together.setdefault(need.batch, []).append(need.child_id)
    batches = [(tuple(ids), batch.worth(len(ids))) for batch, ids in together.items()]
    return Wake(
        at=min(moments, default=None),
        of=(*alone, *batches),
        signals={need.signal: arrived[need.signal] + 1 for need in standing if need.signal},
    )
