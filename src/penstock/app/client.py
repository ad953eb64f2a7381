"""What tasks and runs ask of their app: store runs, read them back. Knows options and stores, and no decorator."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from penstock.app.declarations import Declarations
from penstock.app.layers import Layers, Profile
from penstock.app.outgoing import BeforeEnqueue
from penstock.app.portal import Portal
from penstock.app.refusals import refused
from penstock.app.schedules_terms import Entry
from penstock.app.stores import Connection, Stores
from penstock.app.where import Where
from penstock.core import codec
from penstock.core.answers import Accepted, Entered, Refused
from penstock.core.errors import Blocking, Invalid
from penstock.core.requests import Group
from penstock.core.run import ChildOf, Kind, NewRun, Run
from penstock.engine.batcher import BYTES, ITEMS
from penstock.models.current import Running, running
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.builder import Graph
from penstock.models.jobs import JobHandler, Surroundings
from penstock.ports.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """A worker, as far as its app needs to know it."""

    learn: Callable[[JobHandler], None]  # carry out the runs of one more task; from any thread
    leave: Callable[[], Awaitable[None]]  # stop, and return when it has


class Client:
    """One app as its tasks and runs know it."""

    def __init__(self, stores: Stores, where: Where, *, layers: Layers, limit: int = codec.LIMIT) -> None:
        self.stores = stores
        self.where = where
        self.layers = layers
        self.limit = limit  # bytes of one payload
        self.home = Surroundings()
        self.portal = Portal()
        self.handlers: dict[str, JobHandler] = {}  # by task: the latest registered
        self.profiles: dict[str, Profile] = {}  # of the same tasks: what they say about their runs
        self.versions: dict[tuple[str, str], tuple[JobHandler, Profile]] = {}  # all of them, by task and version
        self.graphs: dict[str, Blueprint | Graph] = {}  # by id, and by id@version
        self.schedules: dict[str, Entry] = {}  # declared in code, by name
        self.before_enqueue: list[BeforeEnqueue] = []  # who has a say in what is about to be stored
        self.declarations = Declarations()  # of workers, for calls by name
        self.workers: set[Hand] = set()  # that carry out runs of these handlers now
        self.before_waiting: Callable[[str], Awaitable[None]] | None = None  # in a rehearsal nobody else works

    def handler(self, task: str, version: str) -> JobHandler | None:
        """The code here for runs of this task that ask for this version, or else for another one."""
        known = self.versions.get((task, version))
        return self.handlers.get(task) if known is None else known[0]

    async def store(self) -> Store:
        """The running loop's store, opened if need be. Raises `Closed` after the app was closed."""
        return (await self.here()).store

    async def here(self) -> Connection:
        """The running loop's connection."""
        return self.stores.found() or await self.stores.here()

    def holder(self) -> Running | None:
        """The running handler of this app that makes the present call, if one does.

        Raises `Invalid` if nobody but handlers may enqueue, and none does.
        """
        found = running()
        if found is not None and found.home is self.home:
            return found
        if self.where.mode == "work":
            raise Invalid("mode", "work", "here only running tasks enqueue: set mode to both or enqueue to do more")
        return None

    async def enter(self, new: NewRun, *, cascade: bool = True) -> Entered:
        """Store one run; in a running handler, as a run that it has started."""
        holder = self.holder()
        if holder is not None:
            return (await self._spawn(holder, [new], cascade=cascade))[0]
        connection = self.stores.found() or await self.stores.here()
        answer = await connection.entering.ask(Group(runs=(new,)))
        if isinstance(answer, Refused):
            raise refused(new, answer, parameter="run")
        return answer.runs[0]

    async def enter_many(self, runs: Sequence[NewRun]) -> list[Entered]:
        """Store the runs, each 1 000 (or 4 MiB) of them whole or not at all. Repeating the call completes it."""
        holder = self.holder()
        entered: list[Entered] = []
        for part in portions(runs):
            if holder is not None:
                entered += await self._spawn(holder, part, cascade=True)
            else:
                entered += await self._enter_group(part)
        return entered

    async def _enter_group(self, part: Sequence[NewRun]) -> tuple[Entered, ...]:
        connection = await self.here()
        answer = await connection.entering.ask(Group(runs=tuple(part)))
        return accepted(part, answer).runs

    async def _spawn(self, holder: Running, runs: Sequence[NewRun], *, cascade: bool) -> tuple[Entered, ...]:
        edge = ChildOf(parent_id=holder.attempt.claim.run_id, kind=Kind.STARTED, cascade=cascade)
        answer = await holder.attempt.spawn([replace(new, parent=edge) for new in runs])
        if answer.answer != "ok":
            raise refused(runs[answer.index], answer, parameter=f"calls[{answer.index}]")
        return answer.runs

    async def get(self, run_id: str) -> Run | None:
        """The stored run, asked for together with what others ask for now."""
        connection = await self.here()
        return await connection.getting.ask(run_id)

    def check_waiting(self, call: str, *, allow_block: bool) -> None:
        """Raises `Blocking` in a running task: it would hold a slot that the other run may need."""
        if not allow_block and running() is not None:
            raise Blocking(call, "a waiting task holds a slot of its worker. Say allow_block=True if that is meant")


def accepted(part: Sequence[NewRun], answer: Accepted | Refused) -> Accepted:
    """The answer, if the group is stored; raises what is wrong with its offending run otherwise."""
    if isinstance(answer, Refused):
        raise refused(part[answer.index], answer, parameter=f"calls[{answer.index}]")
    return answer


def portions(runs: Iterable[NewRun]) -> list[list[NewRun]]:
    """The runs in order, in groups of at most 1 000 runs and 4 MiB."""
    found: list[list[NewRun]] = [[]]
    room = BYTES
    for run in runs:
        size = len(run.input) + len(run.options)
        if found[-1] and (len(found[-1]) == ITEMS or size > room):
            found.append([])
            room = BYTES
        found[-1].append(run)
        room -= size
    return [part for part in found if part]
