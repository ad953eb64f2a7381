"""Whether code fits a history that some run has recorded: it is called, and told what it was told. Nothing is executed.

Needs no store: a history may come from another place, and another time.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import msgspec

from penstock.app.client import Client
from penstock.app.histories import FORMAT, History, step_of
from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.clock import Clock
from penstock.core.errors import Invalid, UnknownTask
from penstock.core.leases import Append, Block, Claim, Lease, RecordStep, Spawn, Step
from penstock.core.names import check_name
from penstock.core.run import Run
from penstock.core.tx import Tx
from penstock.core.views import Page
from penstock.engine.handler import Attempt
from penstock.models.workflow import WorkflowHandler
from penstock.ports.store import Views

T = TypeVar("T")


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a replay. `fits`: the code has asked for all that is recorded, in order."""

    id: str
    task: str
    fits: bool
    recorded: str = ""  # if not: what stands in the history ...
    called: str = ""  # ... and what the code calls there


async def replay(client: Client, history: History, version: str | None) -> Replayed:
    """Call the workflow's code with the history, as far as that goes."""
    if not isinstance(history, History):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise Invalid("history", history, "what `run.history()` has brought")
    if version is not None and version != "":
        check_name(version, "version")
    if history.format != FORMAT:
        raise Invalid("history", history.format, f"of format {FORMAT}: another version of Penstock has written it")
    wanted = history.version if version is None else version
    handler = client.handler(history.task, wanted)
    if handler is None:
        raise UnknownTask(history.task, sorted(client.handlers))
    if not isinstance(handler, WorkflowHandler):
        raise Invalid("history", history.task, "of a workflow: this is a task, whose runs record nothing")
    attempt = Attempt(_claim(history, wanted), Nowhere(), 0.0)
    misfit = await handler.replay(attempt, [step_of(one) for one in history.steps])
    if misfit is None:
        return Replayed(id=history.id, task=history.task, fits=True)
    return Replayed(id=history.id, task=history.task, fits=False, recorded=misfit.recorded, called=misfit.called)


def _claim(history: History, version: str) -> Claim:
    return Claim(
        lease=Lease(run_id=history.id, token=""),
        fence=0,
        run_id=history.id,
        task=history.task,
        queue="",
        version=version,
        input=msgspec.json.encode(history.input),
        options=b"",
        attempt=1,
        life=1,
        history=history.history,
        claims=1,
        crashes=0,
        enqueued_at=history.enqueued_at,
        started_at=history.started_at or history.enqueued_at,
    )


class Nowhere:
    """Implements `Host` where nothing can be reached: a replay has no reason to ask."""

    def __init__(self) -> None:
        self.worker = "replay"
        self.clock: Clock = lambda: 0.0

    def leaving(self) -> bool:
        return False

    def append(self, entry: Append) -> None:
        """What code says in a replay was said before."""

    async def appended(self, lease: Lease) -> None:
        """Nothing waits."""

    async def spawn(self, spawn: Spawn) -> Spawned:
        self._refuse(spawn)

    async def record(self, record: RecordStep) -> Recorded:
        self._refuse(record)

    async def record_with(self, record: RecordStep, work: Callable[[Tx], Step], seconds: float) -> Recorded:
        self._refuse(record)

    async def block(self, block: Block) -> Answer:
        self._refuse(block)

    async def children(self, run_id: str, *, after: str | None, limit: int) -> Page[Run]:
        self._refuse(run_id)

    async def drop(self, lease: Lease, run_ids: tuple[str, ...]) -> list[Answer]:
        self._refuse(run_ids)

    async def ask(self, question: Callable[[Views], Awaitable[T]]) -> T:
        self._refuse(question)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        coroutine.close()
        self._refuse(coroutine)

    def _refuse(self, asked: object) -> NoReturn:
        raise RuntimeError(f"a replay must not ask for anything: {type(asked).__name__}")
