"""What a handler may know and say about its own run. Knows the attempt, and nothing of how it is carried out."""

from collections.abc import Generator
from typing import Any, Final

from penstock.core import codec
from penstock.core.codec import Unfit
from penstock.core.errors import Invalid, NotInRun
from penstock.engine.handler import Attempt
from penstock.models.current import running

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


class Context:
    """The run that this code belongs to. Injected as `*, ctx: Context = penstock.inject()`, or `penstock.context()`."""

    __slots__ = ("_attempt", "cancelled")

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self.cancelled = Cancelled(attempt)

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
