"""A run as its callers hold it: ask how it stands, wait for its result, steer it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, Generic, TypeVar, cast, overload

from penstock.app import edits, endings, status, waiting
from penstock.app.client import Client
from penstock.app.histories import History, history_of
from penstock.app.policies import Policy, check_policy
from penstock.app.refusals import raise_for
from penstock.app.sending import send
from penstock.app.status import Attempted, Line, Reason, Status
from penstock.app.stream import SyncStream, stream
from penstock.core.answers import Answer
from penstock.core.duration import Duration, Moment, moment, seconds
from penstock.core.errors import Invalid, NotFound, Purged, shown
from penstock.core.ids import check_new_run_id, check_run_id, new_run_id
from penstock.core.names import check_count, check_name, check_priority
from penstock.core.requests import Edit
from penstock.core.run import ChildOf
from penstock.core.run import Run as Stored
from penstock.core.state import State
from penstock.core.views import LogEntry
from penstock.models import journal, nodes
from penstock.models.waits import Signal

R = TypeVar("R")
S = TypeVar("S")

PAGE: Final = 1000


class Run(Generic[R]):
    """One durable execution of a task. Handles are cheap; many may stand for one run, in any process.

    `created` is False if the run was there already: it has the same id or key. None: the handle was made from an id.
    """

    __slots__ = ("_client", "_known", "created", "id")

    def __init__(self, client: Client, run_id: str, *, created: bool | None = None) -> None:
        self._client = client
        self._known = created is not None
        self.id = run_id
        self.created = created

    def __repr__(self) -> str:
        return f"<Run {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def sync(self) -> "SyncRun[R]":
        """The same verbs for code without a loop."""
        return SyncRun(self)

    async def result(self, timeout: Duration | None = None, *, allow_block: bool = False) -> R:
        """What the task returned, as soon as it has. Any number may wait; waiting changes nothing.

        `timeout` (seconds, timedelta or "10m"; 0: only look) is the waiter's own: `ResultTimeout`, and the run goes on.
        Raises `RunFailed` or `RunCancelled` if it ended so, `Purged` if its record is gone, `NotFound` if there was
        none, and `Blocking` in a running task unless `allow_block=True`.
        """
        limit = None if timeout is None else seconds(timeout, "timeout")
        client = self._client
        client.check_waiting("run.result()", allow_block=allow_block)
        if client.before_waiting is not None:
            await client.before_waiting(self.id)
        run = await waiting.finished(await client.here(), self.id, limit, known=self._known)
        self._known = True
        handler = client.handler(run.task, run.version)
        data = None if run.result is None else client.home.codec.decode(run.result)
        returns = handler.signature.returns if handler else None
        return cast("R", endings.result_of(run, returns, nodes.output_of(run.options, data)))

    async def status(self) -> Status:
        """How the run stands now. Raises `NotFound`, or `Purged` if it has been there."""
        return status.status_of(await self._stored(), self._client.home.codec)

    async def attempts(self) -> list[Attempted]:
        """The attempts that failed and those lost with their workers, in order, with their errors."""
        entries = await self._entries(after=0)
        return [status.attempted(entry) for entry in entries if entry.kind in {"attempt", "crash"}]

    async def log(self, *, after: int = 0, limit: int | None = None) -> list[Line]:
        """The run's log in order: what happened, progress, lines. After `after`, all or the first `limit`."""
        check_count(after, "after", least=0)
        check_count(1 if limit is None else limit, "limit", least=1)
        return [status.line_of(entry) for entry in await self._entries(after=after, limit=limit)]

    async def stream(self, *, after: int = 0) -> AsyncGenerator[Line]:
        """The run's log as it grows: what is stored after that line, then what comes, until the run ends.

        Each line comes once, in order; ask again after the last `seq` seen, from wherever. A stream that reads slowly
        takes nobody's memory. Raises `NotFound`, or `Purged` if the record is gone before the end.
        """
        check_count(after, "after", least=0)
        if self._client.before_waiting is not None:
            await self._client.before_waiting(self.id)
        lines = stream(self._client, self.id, after, known=self._known)
        async with aclosing(lines):
            async for line in lines:
                self._known = True
                yield line

    async def why(self) -> Reason | None:
        """Why the run has not finished, and since when; None if it has. Raises `NotFound`."""
        why = await (await self._client.store()).why(self.id)
        if why is None:
            await self._stored()
            return None
        return Reason(reason=why.reason, since_at=why.since_at, detail=why.detail, until_at=why.until_at)

    async def cancel(self, reason: str = "", *, cascade: bool = True, terminate: bool = False) -> bool:
        """End the run: at once if nobody runs it, else within a heartbeat of its worker. True: done or asked for.

        False if it had finished already. `cascade=False` spares the runs that it has started; `terminate=True` skips
        registered rollbacks. Raises `NotFound`.
        """
        _check_reason(reason)
        store = await self._client.store()
        (answer,) = await store.cancel([self.id], reason=reason, cascade=cascade, terminate=terminate)
        if answer is not Answer.FINISHED:
            raise_for(answer, self.id, "cancel")
        return answer is Answer.OK

    @overload
    async def signal(self, signal: Signal[S], value: S, *, once: str | None = None) -> bool: ...
    @overload
    async def signal(self, signal: str, value: object = None, *, once: str | None = None) -> bool: ...

    async def signal(self, signal: Signal[Any] | str, value: object = None, *, once: str | None = None) -> bool:
        """Leave a message in the run's mailbox, for good; the workflow gets it when it waits for it, now or later.

        `once`: a text; a second message of this signal with the same one is dropped: False. By name, any JSON will do.
        Raises `InvalidInput` for a value of another type; `NotFound`; `WrongState` if the run has finished.
        """
        return (await send(self._client, signal, value, run_id=self.id, once=once))[1]

    async def fork(
        self, *, from_step: str | None = None, version: str | None = None, new_id: str | None = None
    ) -> "Run[R]":
        """Begin another run of the same workflow and input, with what this one has recorded before that step, or all.

        From there on it goes its own way: its children are new, this run and its children stay as they are, and key and
        parent are not copied. `from_step`: the name of a step, task or signal, the first of that name, or its path as
        `steps()` has it. `version`: of the code that carries it out. Raises `NotFound`; `Invalid` for an id that is
        taken.
        """
        wanted = new_run_id() if new_id is None else check_new_run_id(new_id, "new_id")
        if version:
            check_name(version, "version")
        upto = None if from_step is None else await self._before(from_step)
        answer = await (await self._client.store()).fork(self.id, wanted, upto=upto, version=version)
        if answer is Answer.DUPLICATE:
            raise Invalid("new_id", wanted, "another run has it")
        raise_for(answer, self.id, "fork")
        return Run(self._client, wanted, created=True)

    async def _before(self, step: object) -> int:
        """How many records come before the first of that step."""
        steps = await (await self._client.store()).steps(self.id)
        for count, one in enumerate(steps):
            path = journal.call_of(one)
            if step in {path, journal.name_of(path)}:
                return count
        await self._stored()  # raises if there is no such run
        names = ", ".join(dict.fromkeys(journal.name_of(journal.call_of(one)) for one in steps)) or "nothing"
        raise Invalid("from_step", step, f"the run has recorded {shown(names)}")

    async def history(self) -> History:
        """What the run's code has recorded so far, in order; of a task without steps nothing. Raises `NotFound`."""
        run, store = await self._stored(), await self._client.store()
        return history_of(run, await store.steps(self.id), await store.signals(self.id), self._client.home.codec)

    async def redrive(self) -> None:
        """Begin another life of the finished run, with fresh counters; off its dead-letter list.

        Raises `NotFound`; `WrongState` if it has not finished; `Duplicate` if another run has taken its key;
        `Cascading` while a cancel or removal is under way there.
        """
        store = await self._client.store()
        (run,) = await store.get([self.id])
        lives = None if run is None else [run.life]
        (answer,) = await store.redrive([self.id], lives=lives)
        raise_for(answer, self.id, "redrive")

    async def remove(self, *, children: bool = True) -> None:
        """Leave no trace of the run, nor (unless told otherwise) of all below it.

        Raises `NotFound`, or `WrongState` if one of these is running: then all stay.
        """
        (answer,) = await (await self._client.store()).remove([self.id], children=children)
        raise_for(answer, self.id, "remove")

    async def attach(self, child: "Run[Any] | str", *, if_fails: Policy = "fail", name: str = "") -> None:
        """Have this run, which has not finished, wait for another one, which may have: its state counts at once.

        `if_fails`, `name`: as those of a flow's call. Raises `NotFound`; `WrongState` if this run has finished, if the
        other one has a parent that lives, or stands above this one, or is a tree of more than 1 000 runs; `Cascading`.
        """
        child_id = child.id if isinstance(child, Run) else check_run_id(child, "child")
        edge = ChildOf(
            parent_id=self.id,
            if_fails=check_policy(if_fails),
            name=check_name(name, "name") if name else "",
        )
        raise_for(await (await self._client.store()).attach(child_id, edge), child_id, f"attach to run {self.id}")

    async def detach(self) -> None:
        """Cut this run from its parent, which no longer waits for it; both go on.

        Raises `NotFound`, or `WrongState` if nobody waits for it.
        """
        raise_for(await (await self._client.store()).detach(self.id), self.id, "detach")

    async def promote(self) -> None:
        """Make a scheduled run ready now. Raises `NotFound`, or `WrongState` if it is not scheduled."""
        run = await self._stored()  # only to say what is wrong: the move itself is guarded in the store
        if run.state is not State.SCHEDULED:
            raise_for(Answer.FINISHED if run.state.finished else Answer.STATE, self.id, "promote")
        raise_for(await (await self._client.store()).reschedule(self.id, delay=0.0), self.id, "promote")

    async def reschedule(self, *, at: Moment | None = None, delay: Duration | None = None) -> None:
        """Move the due time of a scheduled or queued run: to a moment, or to so long from now.

        Raises `NotFound`, or `WrongState` if the run has begun or finished.
        """
        if (at is None) == (delay is None):
            raise Invalid("at", at, "say at= or delay=, one of them")
        wanted = None if at is None else moment(at, "at")
        later = None if delay is None else seconds(delay, "delay")
        answer = await (await self._client.store()).reschedule(self.id, at=wanted, delay=later)
        raise_for(answer, self.id, "reschedule")

    async def reprioritise(self, priority: int) -> None:
        """Give an unfinished run that does not run another priority, -1000 to 1000; its rank stays."""
        answer = await (await self._client.store()).edit(self.id, Edit(priority=check_priority(priority)))
        raise_for(answer, self.id, "reprioritise")

    async def update_input(self, *args: object, **named: object) -> None:
        """Give a run that has not been claimed yet other arguments: all of them, checked as at `enqueue`.

        The keys of its limits and its turn follow from these, unless the call had named them; its rank and what it
        stands for (`key=`, `Unique`) stay. Raises `Invalid` where only code that is not here can find them.
        """
        await edits.update_input(self._client, await self._stored(), args, named)  # its task never changes

    async def free_key(self) -> bool:
        """Its key, or what `Unique` made one for, stands for this run no more: the next asked is a run of its own.

        A run that waits for this one's end (`follow`) takes the key and starts. False: it stands for another run, or
        for none. Raises `NotFound` if the run is gone.
        """
        answer = await (await self._client.store()).edit(self.id, Edit(free_key=True))
        if answer is Answer.STATE:
            return False
        raise_for(answer, self.id, "free_key")
        return True

    async def clear_log(self) -> None:
        """Drop what the run has said; what its record tells stays. Raises `NotFound`."""
        raise_for(await (await self._client.store()).edit(self.id, Edit(clear_log=True)), self.id, "clear_log")

    async def _stored(self) -> Stored:
        run = await self._client.get(self.id)
        if run is None:
            raise Purged(self.id) if self._known else NotFound("run", self.id)
        self._known = True
        return run

    async def _entries(self, *, after: int, limit: int | None = None) -> list[LogEntry]:
        store = await self._client.store()
        found: list[LogEntry] = []
        while limit is None or len(found) < limit:
            asked = PAGE if limit is None else min(PAGE, limit - len(found))
            page = await store.log(self.id, after=after, limit=asked)
            found += page
            if len(page) < asked:
                break
            after = page[-1].seq
        if not found:
            await self._stored()  # raises if there is no such run
        return found


class SyncRun(Generic[R]):
    """A run's verbs for code without a loop: each does what the one of `Run` does, and blocks until it is done.

    Raises `Blocking` where a loop is running.
    """

    def __init__(self, run: Run[R]) -> None:
        self._run = run
        self._call = run._client.portal.call  # noqa: SLF001 (its other half)

    def __repr__(self) -> str:
        return repr(self._run)

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run.id

    @property
    def created(self) -> bool | None:
        """Whether this call has stored it."""
        return self._run.created

    def result(self, timeout: Duration | None = None, *, allow_block: bool = False) -> R:
        return self._call(self._run.result, timeout, allow_block=allow_block)

    def status(self) -> Status:
        return self._call(self._run.status)

    def attempts(self) -> list[Attempted]:
        return self._call(self._run.attempts)

    def log(self, *, after: int = 0, limit: int | None = None) -> list[Line]:
        return self._call(self._run.log, after=after, limit=limit)

    def stream(self, *, after: int = 0) -> SyncStream:
        return SyncStream(self._run.stream(after=after), self._run._client.portal)  # noqa: SLF001 (its other half)

    def why(self) -> Reason | None:
        return self._call(self._run.why)

    def cancel(self, reason: str = "", *, cascade: bool = True, terminate: bool = False) -> bool:
        return self._call(self._run.cancel, reason, cascade=cascade, terminate=terminate)

    @overload
    def signal(self, signal: Signal[S], value: S, *, once: str | None = None) -> bool: ...
    @overload
    def signal(self, signal: str, value: object = None, *, once: str | None = None) -> bool: ...

    def signal(self, signal: Any, value: object = None, *, once: str | None = None) -> bool:
        sent: bool = self._call(self._run.signal, signal, value, once=once)
        return sent

    def fork(
        self, *, from_step: str | None = None, version: str | None = None, new_id: str | None = None
    ) -> "SyncRun[R]":
        return self._call(self._run.fork, from_step=from_step, version=version, new_id=new_id).sync

    def history(self) -> History:
        return self._call(self._run.history)

    def redrive(self) -> None:
        self._call(self._run.redrive)

    def remove(self, *, children: bool = True) -> None:
        self._call(self._run.remove, children=children)

    def attach(self, child: "SyncRun[Any] | Run[Any] | str", *, if_fails: Policy = "fail", name: str = "") -> None:
        other = child._run if isinstance(child, SyncRun) else child  # noqa: SLF001 (its own kind)
        self._call(self._run.attach, other, if_fails=if_fails, name=name)

    def detach(self) -> None:
        self._call(self._run.detach)

    def promote(self) -> None:
        self._call(self._run.promote)

    def reschedule(self, *, at: Moment | None = None, delay: Duration | None = None) -> None:
        self._call(self._run.reschedule, at=at, delay=delay)

    def reprioritise(self, priority: int) -> None:
        self._call(self._run.reprioritise, priority)

    def update_input(self, *args: object, **named: object) -> None:
        self._call(self._run.update_input, *args, **named)

    def free_key(self) -> bool:
        return self._call(self._run.free_key)

    def clear_log(self) -> None:
        self._call(self._run.clear_log)


def _check_reason(value: object) -> None:
    if not isinstance(value, str) or len(value) > 1000:
        raise Invalid("reason", value, "a text of up to 1,000 characters")
