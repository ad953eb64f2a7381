"""Workers as their users see them: what they can run, what they hold, and how they fare. Records only."""

import msgspec

from penstock.core.registry import WorkerInfo
from penstock.engine.registration import Numbers
from penstock.models.graph.stored import TASK as GRAPHS


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A worker that is alive, as it said itself within the last 20 seconds."""

    worker: str  # its identity, which no other has
    host: str
    pid: int
    app: str
    queues: tuple[str, ...]
    tasks: tuple[str, ...]  # name, or name@version
    started_at: float
    expires_at: float  # when it counts as gone, unless it says something before
    concurrency: int = 0
    running: int = 0
    waiting: int = 0  # claimed a few milliseconds ahead
    loop_lag: float = 0.0  # seconds by which its event loop was late at its last tick
    memory: int = 0  # bytes in use; 0: its system does not say
    runs: tuple[str, ...] = ()  # ids of those it holds, at most a hundred
    schedules: tuple[str, ...] = ()  # that its code declares


def numbers_of(info: WorkerInfo) -> Numbers | None:
    """What the worker said about itself; None if a version said it that spoke otherwise."""
    try:
        return _DECODER.decode(info.state)
    except msgspec.MsgspecError:
        return None


def status_of(info: WorkerInfo) -> WorkerStatus:
    """The registration in the words of its readers."""
    numbers = numbers_of(info) or Numbers(concurrency=0, running=0, waiting=0, loop_lag=0.0, runs=())
    return WorkerStatus(
        worker=info.worker,
        host=info.host,
        pid=info.pid,
        app=info.app,
        queues=info.queues,
        tasks=tuple(
            sorted(
                f"{one.task}@{one.version}" if one.version else one.task
                for one in info.abilities
                if one.task != GRAPHS  # every worker plans those
            )
        ),
        started_at=info.started_at,
        expires_at=info.expires_at,
        concurrency=numbers.concurrency,
        running=numbers.running,
        waiting=numbers.waiting,
        loop_lag=numbers.loop_lag,
        memory=numbers.memory,
        runs=numbers.runs,
        schedules=numbers.schedules,
    )


_DECODER = msgspec.json.Decoder(Numbers)
