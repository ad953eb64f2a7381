"""Every error Penstock raises on purpose. What a handler raises to steer its own run is in `control.py`.

PenstockError
├── Invalid                a value we refuse; also a ValueError
│   ├── InvalidBlueprint   a graph that can't be: all that is wrong with it at once
│   ├── InvalidExpression  a condition or transform that is not in the language, and where
│   ├── InvalidInput       arguments that don't fit the handler's signature and type hints
│   └── PayloadTooLarge    more bytes than the limit
├── asked for what can't be
│   ├── UnknownTask        no task of that name
│   ├── DuplicateTask      a second task of one name
│   ├── KeyConflict        the idempotency key is taken, by other input
│   ├── Duplicate          the run can't have its key again
│   ├── Cascading          a cancel or removal is under way there: ask again
│   ├── NotFound           no such run, queue, schedule, ...
│   ├── WrongState         it means nothing for a run that stands where this one does
│   ├── Blocking           a call that waits, where waiting would hold up what it waits for
│   ├── NotInRun           a durable call outside a run
│   ├── Closed             the app is closed
│   └── Mismatch           processes are configured differently
├── the store
│   ├── Unavailable        it did not answer; says whether the call may have been applied
│   └── LeaseLost          another worker may own the run now: drop the attempt, settle nothing
├── what a waiter hears
│   ├── ResultTimeout      not finished in time; the run goes on; also a TimeoutError
│   ├── Purged             the run finished, and its record is gone
│   └── RunFailed          the run ended without a result
│       └── RunCancelled   by a cancel
├── why an attempt or a run failed
│   ├── OutputError        what the handler returned can't be stored
│   ├── Timeout            the attempt took too long; also a TimeoutError
│   ├── DeadlineExceeded   the run did not finish in time
│   ├── Expired            the run did not start in time
│   ├── Crashed            its workers were lost too often
│   ├── Flooded            it said more, without awaiting, than waits to be stored
│   ├── DispatchFailed     another service could not be reached, or wants to be asked again
│   ├── ExpressionFailed   a condition or transform of a graph came to an error
│   └── NodeFailed         a node of a graph could not go on by its own rules
├── what workflow code hears, the same in every replay
│   ├── StepFailed         a step failed for good
│   ├── WaitTimeout        no signal came in time; also a TimeoutError
│   └── Rejected           somebody has rejected the token
├── WorkerFailed           a worker's own loop kept failing: it has stopped
└── Control                never an error: see `control.py`
"""
# ruff: noqa: N818 (the names say what happened; `except penstock.Closed` reads well without a suffix)

from collections.abc import Sequence
from reprlib import Repr
from typing import Final, Literal, TypeAlias

Applied: TypeAlias = Literal["no", "unknown"]

_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def shown(value: object) -> str:
    """The value's `repr`, shortened; never raises, whatever the value's own `__repr__` does."""
    try:
        return _SHORT.repr(value)
    except Exception:  # noqa: BLE001 (an error about a value must not fail over how the value is printed)
        return f"<{type(value).__name__}>"


class PenstockError(Exception):
    """Base of everything Penstock raises on purpose."""


class Invalid(PenstockError, ValueError):
    """A value is refused: which, and what is allowed instead. Nothing was stored."""

    def __init__(self, parameter: str, value: object, allowed: str) -> None:
        super().__init__(f"{parameter}={shown(value)} is refused: {allowed}")
        self.parameter = parameter
        self.value = value


class InvalidInput(Invalid):
    """Arguments don't fit the handler. At `enqueue` nothing is stored; at a worker the run fails without retry."""


class InvalidExpression(Invalid):
    """The text is not in the language of conditions and transforms. `at` counts its characters from 0."""

    def __init__(self, parameter: str, expression: str, reason: str, at: int) -> None:
        place = f"{expression[max(at - 20, 0) : at]}>>>{expression[at : at + 20]}"
        PenstockError.__init__(self, f"{parameter}={shown(expression)} is refused: {reason} (character {at}: {place})")
        self.parameter = parameter
        self.value = expression
        self.reason = reason
        self.at = at


class InvalidBlueprint(Invalid):
    """A graph that can't be: `problems` has all that is wrong with it. Nothing was stored."""

    def __init__(self, blueprint: str, problems: Sequence[object]) -> None:
        many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        told = "".join(f"\n- {problem}" for problem in problems)
        PenstockError.__init__(self, f"blueprint {shown(blueprint)} is refused, {many}:{told}")
        self.parameter = "blueprint"
        self.value = blueprint
        self.problems = tuple(problems)


class PayloadTooLarge(Invalid):
    """What is to be stored has more bytes than allowed."""

    def __init__(self, parameter: str, size: int, limit: int) -> None:
        PenstockError.__init__(
            self,
            f"{parameter} takes {size:,} bytes encoded, the limit is {limit:,}: "
            "pass a reference to the data, or raise the payload limit",
        )
        self.parameter = parameter
        self.value = size
        self.limit = limit


class UnknownTask(PenstockError):
    """No task of that name is registered here, or stored when asked for by name."""

    def __init__(self, task: str, known: Sequence[str] = ()) -> None:
        names = f"; known are {', '.join(sorted(known)[:10])}" if known else ""
        super().__init__(
            f"no task named {shown(task)}{names}. Import the module that registers it, or pass unchecked=True to "
            "enqueue for a worker that will know it"
        )
        self.task = task


class DuplicateTask(PenstockError):
    """The app has a task of that name already."""

    def __init__(self, task: str, where: str) -> None:
        super().__init__(
            f"a task named {shown(task)} is registered already, by {where}: give one of them another name="
        )
        self.task = task


class KeyConflict(PenstockError):
    """The idempotency key belongs to a run with other input."""

    def __init__(self, key: str, run_id: str) -> None:
        super().__init__(
            f"key {shown(key)} belongs to run {run_id}, which has other input: use another key, or the same input"
        )
        self.key = key
        self.run_id = run_id


class Duplicate(PenstockError):
    """A redrive is refused: another run has taken the key meanwhile."""

    def __init__(self, run_id: str, holder: str) -> None:
        super().__init__(f"run {run_id} can't have its key again, run {holder} has it: redrive or remove that one")
        self.run_id = run_id
        self.holder = holder


class Cascading(PenstockError):
    """A cancel or a removal is under way on the run or above it. It ends by itself: ask again."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"a cancel or removal is under way at run {run_id}: ask again in a moment")
        self.run_id = run_id


class NotFound(PenstockError):
    """Nothing of that name or id is stored."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} {shown(name)}: it was never stored, or has been removed")
        self.what = what
        self.name = name


class WrongState(PenstockError):
    """The operation means nothing for a run in its present state. Nothing was changed."""

    def __init__(self, operation: str, run_id: str, state: str) -> None:
        super().__init__(f"{operation} is refused: run {run_id} is {state}")
        self.operation = operation
        self.run_id = run_id
        self.state = state


class Blocking(PenstockError):
    """The call would wait where nothing else can go on meanwhile."""

    def __init__(self, call: str, instead: str) -> None:
        super().__init__(f"{call} would block here: {instead}")
        self.call = call


class NotInRun(PenstockError):
    """A durable call was made where no run is, so that nothing could record it."""

    def __init__(self, call: str) -> None:
        super().__init__(
            f"{call} needs a running workflow and found none: call it from the workflow's own code or a task created "
            "there. Threads, executors and background tasks of others lose the run"
        )
        self.call = call


class Closed(PenstockError):
    """The app is closed, or was never opened."""

    def __init__(self, what: str = "the app") -> None:
        super().__init__(f"{what} is closed: open it first, with `await app.open()` or `async with app`")


class Mismatch(PenstockError):
    """Processes that share a store are configured differently."""

    def __init__(self, what: str, here: object, there: object) -> None:
        super().__init__(f"{what} is {shown(here)} here and {shown(there)} where others work: make them the same")
        self.what = what
        self.here = here
        self.there = there


class Unavailable(PenstockError):
    """The store did not answer. `applied` says whether the call may have been applied all the same."""

    def __init__(self, reason: str, *, applied: Applied) -> None:
        advice = "nothing was changed" if applied == "no" else "it may have been applied: repeat it with the same ids"
        super().__init__(f"the store is unavailable ({reason}); {advice}")
        self.reason = reason
        self.applied: Applied = applied


class LeaseLost(PenstockError):
    """The lease is no longer ours; nothing was written."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"the lease of run {run_id} is no longer ours: drop the attempt, another one decides")
        self.run_id = run_id


class ResultTimeout(PenstockError, TimeoutError):
    """The run did not finish while the caller waited. The run goes on."""

    def __init__(self, run_id: str, timeout: float) -> None:
        super().__init__(f"run {run_id} did not finish within {timeout:g} s; it goes on, ask again for its result")
        self.run_id = run_id
        self.timeout = timeout


class Purged(PenstockError):
    """The run finished and its record is gone, by retention or by hand."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} is gone, and its result with it: keep= says how long results stay")
        self.run_id = run_id


class RunFailed(PenstockError):
    """The run ended without a result. Type, message and traceback are those of its last error, as text."""

    def __init__(self, run_id: str, task: str, *, error_type: str, message: str, traceback: str = "") -> None:
        super().__init__(
            f"run {run_id} of {task} failed: {error_type}: {message}"
            if message
            else f"run {run_id} of {task} failed: {error_type}"
        )
        self.run_id = run_id
        self.task = task
        self.error_type = error_type
        self.message = message
        self.traceback = traceback


class RunCancelled(RunFailed):
    """The run was cancelled, with the reason that was given."""

    def __init__(self, run_id: str, task: str, *, reason: str | None = None) -> None:
        super().__init__(run_id, task, error_type="Cancelled", message=reason or "")
        self.args = (f"run {run_id} of {task} was cancelled" + (f": {reason}" if reason else ""),)
        self.reason = reason


class OutputError(PenstockError):
    """What a handler returned can't be stored, or what is stored doesn't fit the return annotation. Not retried."""


class Timeout(PenstockError, TimeoutError):
    """The attempt was stopped: it had been active for longer than its `timeout`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the attempt was active for more than {seconds:g} s, its timeout=")
        self.seconds = seconds


class DeadlineExceeded(PenstockError):
    """The run did not finish before its `deadline`."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} did not finish before its deadline=")
        self.run_id = run_id


class Expired(PenstockError):
    """The run did not start before it `expires`."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id} did not start before it expired (expires=)")
        self.run_id = run_id


class Crashed(PenstockError):
    """The run lost its worker more often than `crashes=` allows."""

    def __init__(self, run_id: str, crashes: int) -> None:
        super().__init__(
            f"run {run_id} lost its worker {crashes} times, more than crashes= allows: it may be what kills them"
        )
        self.run_id = run_id
        self.crashes = crashes


class Flooded(PenstockError):
    """The run's code adds lines to its log and awaits nothing: this one is not stored, those before it will be."""

    def __init__(self, run_id: str, waiting: int) -> None:
        super().__init__(f"run {run_id} has {waiting:,} lines that are not stored yet: await ctx.flush() now and then")
        self.run_id = run_id
        self.waiting = waiting


class DispatchFailed(PenstockError):
    """A tick did not reach the service that it is for; it is sent again while attempts are left."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"POST {url}: {reason}")
        self.url = url
        self.reason = reason


class ExpressionFailed(PenstockError):
    """A condition or transform came to an error when it was evaluated: the run fails, and `where` names the place."""

    def __init__(self, where: str, expression: str, reason: str, at: int) -> None:
        super().__init__(f"{where}: {shown(expression)} failed at character {at}: {reason}")
        self.where = where
        self.expression = expression
        self.reason = reason
        self.at = at


class NodeFailed(PenstockError):
    """A built-in node of a graph could not go on: a loop at its limit, a batch over what is no list."""

    def __init__(self, node: str, reason: str) -> None:
        super().__init__(f"node {node} failed: {reason}")
        self.node = node
        self.reason = reason


class StepFailed(PenstockError):
    """A step failed for good. What it raised is here as text, the same the first time as in every replay."""

    def __init__(self, step: str, *, error_type: str, message: str, traceback: str = "") -> None:
        super().__init__(f"step {step} failed: {error_type}: {message}" if message else f"step {step}: {error_type}")
        self.step = step
        self.error_type = error_type
        self.message = message
        self.traceback = traceback


class WaitTimeout(PenstockError, TimeoutError):
    """The signal did not come in time."""

    def __init__(self, signal: str, seconds: float) -> None:
        super().__init__(f"no signal {signal!r} came within {seconds:g} s: pass default= to go on without it")
        self.signal = signal
        self.seconds = seconds


class Rejected(PenstockError):
    """Somebody has rejected the token that the workflow waits for, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the token was rejected: {reason}")
        self.reason = reason


class WorkerFailed(PenstockError):
    """A loop of the worker kept failing: the worker has handed back what it could, and stopped."""

    def __init__(self, worker: str, loop: str, failures: str) -> None:
        super().__init__(
            f"worker {worker} has stopped: its {loop} loop failed {failures}. Start it again; if that does not help, "
            "report it"
        )
        self.worker = worker
        self.loop = loop
