"""What workflow code calls: steps, recorded values, rollbacks. Each takes its place when the call is evaluated.

These are plain functions that return coroutines, so that `gather`, task groups and `wait_for` get what they take.
"""

import random as chances
import uuid as uuids
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar, cast, overload

import msgspec

from penstock.core.codec import Codec
from penstock.core.errors import Invalid, NotInRun
from penstock.core.leases import Step
from penstock.models import journal
from penstock.models.branches import BRANCH
from penstock.models.calls import Again, Call, Live
from penstock.models.current import running
from penstock.models.journal import Place, Scope
from penstock.models.passage import Passage
from penstock.models.steps import StepBody, failure_of

P = ParamSpec("P")
T = TypeVar("T")


class Here:
    """Where the code that makes a durable call stands."""

    __slots__ = ("passage", "scope")

    def __init__(self, passage: Passage, scope: Scope) -> None:
        self.passage = passage
        self.scope = scope

    async def record(self, place: Place, live: Live) -> Step:
        """What comes of a call at this place."""
        return await self.passage.perform(self.scope, place, live)

    async def outcome(self, place: Place, live: Live) -> Step:
        """The same; raises what was recorded as an error."""
        step = await self.record(place, live)
        if step.error is not None:
            failure = failure_of(place.name, step.error)
            self.passage.raised.append((failure, step))
            raise failure
        return step


def here() -> Here | None:
    """Where workflow code stands; None in step bodies, plain tasks and outside of runs."""
    branch = BRANCH.get()
    return None if branch is None else Here(cast("Passage", branch.course), branch.scope)


def inside(call: str) -> Here:
    """The same; raises `NotInRun` where there is none."""
    found = here()
    if found is None:
        raise NotInRun(call)
    return found


def codec_of(found: Here) -> Codec:
    """Through which the payloads of this run go."""
    return found.passage.codec


def perform(body: StepBody, args: tuple[Any, ...], named: dict[str, Any], found: Here) -> Coroutine[Any, Any, Any]:
    """Carry the step out at the next place of this scope."""
    place = found.scope.take(body.name, journal.STEP)
    codec = codec_of(found)

    async def live(call: Call) -> Step:
        return await body.carry_out(found.passage, call, args, named)

    async def performed() -> Any:
        step = await found.outcome(place, live)
        return body.returns.decode(codec.decode(step.value or b"null"))

    return performed()


def body_of(function: Callable[..., Any]) -> StepBody:
    """How the function is carried out as a step: as it was decorated, or as any."""
    body = getattr(function, "body", None)
    return body if isinstance(body, StepBody) else StepBody(function, getattr(function, "__name__", "step"))


@overload
def step(
    name: str, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
) -> Coroutine[Any, Any, T]: ...
@overload
def step(name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]: ...
@overload
def step(step: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]: ...
@overload
def step(step: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]: ...


def step(name: object, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
    """Call a function as a step: `penstock.step("fx rate", fetch, "EUR")`, or a decorated step without a name.

    Code gives each name once. A `def` is called in a thread; of those that are decorated this is how async workflows
    call them: `await penstock.step(resize, picture)`. Raises `Invalid` for a name that was given before; `NotInRun`
    outside of workflow code.
    """
    found = inside("penstock.step(...)")
    if not isinstance(name, str):
        return perform(_decorated(name), args, kwargs, found)
    if not args or not callable(args[0]):
        raise Invalid("function", args[0] if args else None, "what is to be called: penstock.step(name, function, ...)")
    _check_step_name(name)
    if not found.scope.claim_name(name):
        raise Invalid("name", name, "another step of this code has that name: names tell steps apart")
    return perform(StepBody(args[0], name), args[1:], kwargs, found)


def _decorated(step: object) -> StepBody:
    body = getattr(step, "body", None)
    if not isinstance(body, StepBody):
        raise Invalid("name", step, "a name before the function, or a step made by @app.step")
    return body


def _check_step_name(value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= 200 or "!" in value or not value.isprintable():
        raise Invalid("name", value, "a text of 1 to 200 printable characters other than !")


def now() -> Coroutine[Any, Any, datetime]:
    """What time it is, in UTC; in a replay what time it was."""
    found = inside("penstock.now()")
    return _value(found, "now", datetime, lambda: datetime.fromtimestamp(found.passage.now(), UTC))


def random() -> Coroutine[Any, Any, float]:
    """A number from 0 to 1; in a replay the same."""
    return _value(inside("penstock.random()"), "random", float, chances.random)


def uuid() -> Coroutine[Any, Any, uuids.UUID]:
    """A random UUID; in a replay the same."""
    return _value(inside("penstock.uuid()"), "uuid", uuids.UUID, uuids.uuid4)


def _value(found: Here, name: str, kind: type[T], make: Callable[[], T]) -> Coroutine[Any, Any, T]:
    place = found.scope.take(name, journal.VALUE)

    async def live(_: Call) -> Step:
        return await found.passage.record(place.outcome(value=msgspec.json.encode(make())))

    async def made() -> T:
        return msgspec.json.decode((await found.outcome(place, live)).value or b"null", type=kind)

    return made()


def patched(name: str) -> Coroutine[Any, Any, bool]:
    """Whether this run takes the new way: `if await penstock.patched("check stock"):`, or else what was there before.

    False for a run that has come past this point without it, and so in each of its replays. The call may be taken out,
    with the old way, when no such run is left. Raises `Invalid` for what is no name.
    """
    found = inside("penstock.patched(...)")
    _check_step_name(name)
    place = found.scope.take(f"patch {name}", journal.PATCH)
    known = found.passage.journal.find(place) is not None

    async def live(_: Call) -> Step:
        return await found.passage.record(place.outcome(value=b"true"))

    async def decided() -> bool:
        if known or fresh:
            await found.outcome(place, live)
        return known or fresh

    fresh = not found.passage.replaying
    return decided()


def on_rollback(function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, None]:
    """If this workflow fails or is cancelled, call the function as a step then: the last registered first."""
    found = inside("penstock.on_rollback(...)")
    name = getattr(function, "__name__", "rollback")
    place = found.scope.take(name, journal.ROLLBACK)

    async def live(_: Call) -> Step:
        return await found.passage.record(place.outcome(value=b"null"))

    async def registered() -> None:
        await found.outcome(place, live)
        found.passage.rollbacks.append((function, args, kwargs))

    return registered()


def continue_as_new(*args: Any, **kwargs: Any) -> None:
    """Begin this run anew with these arguments and an empty history; id, key, unread signals and started children stay.

    Never returns. To be called by the workflow's own code, not by a task that it has created.
    """
    inside("penstock.continue_as_new(...)")
    raise Again(args, kwargs)


def in_run() -> bool:
    """Whether this code belongs to some run: then a step is called plainly, else somebody has lost it."""
    return running() is not None
