"""What workers tell the store about themselves and their code."""

from penstock.core.leases import Ability
from penstock.core.record import Record


class WorkerInfo(Record, frozen=True, kw_only=True):
    """A worker process that is alive until `expires_at`."""

    worker: str  # name and boot nonce: never used twice
    host: str
    pid: int
    queues: tuple[str, ...]
    abilities: frozenset[Ability]
    started_at: float
    app: str = ""
    state: bytes = b""  # the engine's numbers: current runs, loop lag, memory
    expires_at: float = 0.0  # by the store


class Definition(Record, frozen=True, kw_only=True):
    """A task as some worker or client declared it."""

    task: str
    version: str = ""
    queue: str = "default"
    app: str = ""
    kind: str = "task"
    schema: bytes = b""  # JSON Schema of the input
    options: bytes = b""  # how its runs are treated, for callers without its code; the store keeps them
    source: str = ""
    seen_at: float = 0.0  # by the store
