"""What a handler may know and say about its own run. Knows the attempt, and nothing of how it is carried out."""

from collections.abc import Generator
from typing import Any, Final

from penstock.core import codec
from penstock.core.answers import Answer
from penstock.core.codec import Unfit
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid, NotInRun
from penstock.core.limits import key_text
from penstock.engine.handler import Attempt
from penstock.models.current import running
from penstock.models.kin import Children

LINE: Final = 65_536  # bytes of one log line


class Cancelled:
    """Whether the attempt is asked to end: true or false, `await ctx.cancelled`, or `ctx.cancelled.wait()` in threads.

    Async handlers are cancelled as well; code in threads has to look here.
    """

    __slots__ = ("_attempt",)

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __bool__(self) -> bool:
        return self._attempt.stop.requested

    def __await__(self) -> Generator[Any, None, str]:
        return self._attempt.stop.wait().__await__()

    @property
    def reason(self) -> str | None:
        """Why: "cancel", "timeout", "shutdown", or "lost" if another worker may have the run; None: not asked."""
        return self._attempt.stop.reason

    def wait(self, timeout: float | None = None) -> bool:
        """Block this thread until asked, or for so many seconds; whether it was asked."""
        return self._attempt.stop.wait_in_thread(timeout)


class RunLimits:
    """The limits of the run that this code belongs to: `ctx.limit`."""

    __slots__ = ("_attempt",)

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @property
    def sync(self) -> "SyncRunLimits":
        """The same verbs for code in threads and processes."""
        return SyncRunLimits(self, self._attempt)

    async def block(self, duration: Duration, name: str | None = None, *, key: object = "") -> None:
        """Nothing that uses the run's rates starts for so long: seconds, or text like "30s". Say it when told to wait.

        `name`, `key`: of that rate alone. A block never ends earlier than one before it said. Runs that have started go
        on; this one, too: `raise Snooze("30s")` gives it back without using up an attempt. Raises `Invalid` for a run
        without such a rate, `LeaseLost`.
        """
        span = seconds(duration, "duration")
        answer = await self._attempt.block(span, name or "", key_text(key))
        if answer is not Answer.OK:
            raise Invalid("name", name, "this run has no rate of that name and key" if name else "this run has no rate")


class SyncRunLimits:
    """The verbs of `RunLimits` for code in threads and processes."""

    __slots__ = ("_attempt", "_limits")

    def __init__(self, limits: RunLimits, attempt: Attempt) -> None:
        self._limits = limits
        self._attempt = attempt

    def block(self, duration: Duration, name: str | None = None, *, key: object = "") -> None:
        self._attempt.run(self._limits.block(duration, name, key=key))


class Context:
    """The run that this code belongs to. Injected as `*, ctx: Context = penstock.inject()`, or `penstock.context()`."""

    __slots__ = ("_attempt", "cancelled", "limit")

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.cancelled = Cancelled(attempt)
        self.limit = RunLimits(attempt)

    def __repr__(self) -> str:
        return f"<Context of run {self.run_id}, attempt {self.attempt} of {self.task}>"

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._attempt.claim.run_id

    @property
    def task(self) -> str:
        """The name of the task."""
        return self._attempt.claim.task

    @property
    def queue(self) -> str:
        """The queue in which the run stood."""
        return self._attempt.claim.queue

    @property
    def parent(self) -> str | None:
        """The id of the run that waits for this one, or has started it."""
        return self._attempt.claim.parent_id

    @property
    def root(self) -> str:
        """The id of the run at the top of this one's tree: its own, if it stands there."""
        return self._attempt.claim.root_id or self._attempt.claim.run_id

    @property
    def children(self) -> Children:
        """The runs on which this one depends: read them, add more, drop those that are pending.

        Raises `NotInRun` in code that has lost its run, as threads of one's own do.
        """
        found = running()
        if found is None:
            raise NotInRun("ctx.children")
        return Children(self._attempt, found.home.codec)

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1. Crashes and releases do not raise it."""
        return self._attempt.claim.attempt

    @property
    def key(self) -> str | None:
        """The key with which the run was enqueued."""
        return self._attempt.claim.key

    @property
    def tags(self) -> tuple[str, ...]:
        """The run's tags."""
        return self._attempt.claim.tags

    @property
    def idempotency_key(self) -> str:
        """A text that is the same in every attempt of this run, and in no other run: for effects not to repeat."""
        return self._attempt.claim.run_id

    @property
    def fence(self) -> int:
        """A number that grows with each claim of the run: for callees that refuse what an older holder sends."""
        return self._attempt.claim.fence

    @property
    def deadline(self) -> float | None:
        """The moment, in unix seconds of the store's clock, by which the run must have finished."""
        return self._attempt.claim.deadline_at

    @property
    def enqueued_at(self) -> float:
        """When the run was stored, in unix seconds of the store's clock."""
        return self._attempt.claim.enqueued_at

    @property
    def nominal(self) -> float | None:
        """The moment, in unix seconds, for which a schedule started this run."""
        return self._attempt.claim.nominal_at

    def progress(self, done: float | tuple[float, float], message: str = "") -> None:
        """Note how far the run is: a fraction from 0 to 1, or (done, total). Stored soon; from any thread."""
        amount, total = done if isinstance(done, tuple) else (done, 1)
        if not _is_number(amount) or not _is_number(total) or not 0 <= amount <= total or total == 0:
            raise Invalid("done", done, "a fraction from 0 to 1, or (done, total) with 0 <= done <= total")
        self._say("progress", {"done": amount, "total": total, "message": message}, "message")

    def log(self, message: str, **fields: object) -> None:
        """Add a line to the run's log, with what fields you like. Stored soon, in order; from any thread."""
        if not isinstance(message, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise Invalid("message", message, "a text")
        self._say("log", {**fields, "message": message}, "fields")

    def emit(self, chunk: object) -> None:
        """Add a chunk to what `run.stream()` brings: a text, or what else JSON has. Stored soon, in order; from any
        thread. A handler that emits faster than a store can write awaits `flush` now and then: with 10,000 lines, or
        16 MiB, not stored yet, a thread waits here, and code on the worker's loop, which can't, hears `Flooded`.
        """
        try:
            data = codec.encode(chunk)
        except Unfit as error:
            raise Invalid("chunk", chunk, str(error)) from error
        self._attempt.emit("chunk", codec.check_size(data, "chunk", LINE))

    async def flush(self) -> None:
        """Return when all that this run has said so far is stored."""
        await self._attempt.flush()

    def _say(self, kind: str, said: dict[str, object], parameter: str) -> None:
        try:
            data = codec.encode(said)
        except Unfit as error:
            raise Invalid(parameter, said, str(error)) from error
        self._attempt.emit(kind, codec.check_size(data, parameter, LINE))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 (not NaN)


def context() -> Context:
    """The run that this code belongs to, wherever in it you are. Raises `NotInRun` outside of one."""
    found = running()
    if found is None:
        raise NotInRun("penstock.context()")
    return Context(found.attempt)
