"""Sleeping, and waiting for signals: nothing is held meanwhile, and no restart makes it longer."""

import base64
import re
from collections.abc import Coroutine
from typing import Any, Final, Generic, TypeVar, overload

import msgspec

from penstock.core import ids
from penstock.core.duration import Duration, seconds
from penstock.core.errors import Invalid, Rejected, WaitTimeout
from penstock.core.leases import Step
from penstock.core.names import check_name
from penstock.core.shape import Shape
from penstock.models import journal
from penstock.models.calls import Call, Need
from penstock.models.durable import codec_of, inside
from penstock.models.journal import Place
from penstock.models.passage import Passage

S = TypeVar("S")
D = TypeVar("D")


class _Missing:
    """Stands for a default that was not given."""


MISSING: Final = _Missing()
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{24}")
_OF_TOKEN: Final = re.compile(rf"token\.{_SECRET.pattern}")  # the name of the signal for which a token stands


def sleep(duration: Duration) -> Coroutine[Any, Any, None]:
    """Go on after so long: no worker and no slot is held, and no restart makes it longer."""
    found = inside("penstock.sleep(...)")
    length = seconds(duration, "duration")
    place = found.scope.take("sleep", journal.SLEEP)

    async def live(call: Call) -> Step:
        due = await _moment(found.passage, place, length)
        while found.passage.now() < due:
            await found.passage.stand(call, Need(at=due))
        return await found.passage.record(place.outcome(value=b"null"))

    async def slept() -> None:
        await found.outcome(place, live)

    return slept()


async def _moment(passage: Passage, place: Place, length: float) -> float:
    """When it will be over: noted the first time."""
    noted = passage.journal.notes.get(place.path)
    if noted is None:
        moment = place.note(journal.MOMENT, "at", value=repr(passage.moment_in(length)).encode())
        noted = [await passage.record(moment)]
    return float(noted[0].value or 0)


class Signal(Generic[S]):
    """A typed message to one run: `approval = penstock.Signal("approval", Decision)`."""

    __slots__ = ("name", "shape")

    def __init__(self, name: str, kind: type[S]) -> None:
        self.name = check_name(name, "name")
        self.shape = Shape(kind, f"signal {name}")

    def __repr__(self) -> str:
        return f"<Signal {self.name}>"

    def read(self, data: bytes) -> S:
        """What was sent."""
        value: S = self.shape.decode(data)
        return value


class Token(Signal[S]):
    """What one run waits for, and somebody outside resolves or rejects, once. Made by `penstock.token(kind)`."""

    __slots__ = ("text",)

    def __init__(self, text: str, kind: type[S]) -> None:
        super().__init__(place_of(text)[1], kind)
        self.text = text  # whoever has it may resolve it: send it to them, and to nobody else

    def __repr__(self) -> str:
        return "<Token>"

    def read(self, data: bytes) -> S:
        """What it was resolved with. Raises `Rejected` if it was rejected."""
        resolved = msgspec.json.decode(data, type=Resolved)
        if resolved.rejected is not None:
            raise Rejected(resolved.rejected)
        return super().read(bytes(resolved.value))


class Resolved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent for a token."""

    value: msgspec.Raw = msgspec.Raw(b"null")
    rejected: str | None = None


def sent_for(name: str, value: object, once: str | None) -> tuple[object, str | None]:
    """What is left in the mailbox for a signal of this name, and under which `once`: a token takes one answer."""
    return ({"value": value}, "token") if _OF_TOKEN.fullmatch(name) else (value, once)


def place_of(text: object) -> tuple[str, str]:
    """Run and signal of a token's text. Raises `Invalid` for what is none."""
    try:
        said = base64.urlsafe_b64decode(f"{text}==").decode() if isinstance(text, str) else ""
    except ValueError:
        said = ""
    run_id, _, secret = said.rpartition("/")
    if not run_id or _SECRET.fullmatch(secret) is None:
        raise Invalid("token", text, "the text of a token that penstock.token(...) has made")
    return run_id, f"token.{secret}"


def token(kind: type[S]) -> Coroutine[Any, Any, Token[S]]:
    """A text to hand out, by which a person or another service answers: `app.resolve(text, value)`, from anywhere.

    The workflow waits for it as for a signal: `await penstock.wait(token, timeout="1d")`.
    """
    found = inside("penstock.token(...)")
    shape = Shape(kind, "kind")  # refused now, not when somebody answers
    place = found.scope.take("token", journal.VALUE)

    async def live(_: Call) -> Step:
        said = f"{found.passage.attempt.claim.run_id}/{ids.new_token()}"
        text = base64.urlsafe_b64encode(said.encode()).rstrip(b"=")
        return await found.passage.record(place.outcome(value=msgspec.json.encode(text.decode())))

    async def made() -> Token[S]:
        text = msgspec.json.decode((await found.outcome(place, live)).value or b"", type=str)
        return Token(text, kind)

    del shape
    return made()


@overload
def wait(signal: Signal[S], *, timeout: Duration | None = None) -> Coroutine[Any, Any, S]: ...
@overload
def wait(signal: Signal[S], *, timeout: Duration | None = None, default: D) -> Coroutine[Any, Any, S | D]: ...


def wait(
    signal: Signal[Any], *, timeout: Duration | None = None, default: object = MISSING
) -> Coroutine[Any, Any, Any]:
    """The next message of this kind to this run, which may have come long before.

    After `timeout` the default, or `WaitTimeout`. Each message is read once.
    """
    found = inside("penstock.wait(...)")
    length = None if timeout is None else seconds(timeout, "timeout")
    place = found.scope.take(signal.name, journal.WAIT)

    async def live(call: Call) -> Step:
        return await _await_signal(found.passage, call, signal.name, length)

    async def waited() -> Any:
        step = await found.outcome(place, live)
        if step.signal:
            return signal.read(codec_of(found).decode(step.value or b"null"))
        if not isinstance(default, _Missing):
            return default
        late = WaitTimeout(signal.name, length or 0.0)
        found.passage.raised.append((late, step))
        raise late

    return waited()


async def _await_signal(passage: Passage, call: Call, name: str, length: float | None) -> Step:
    place = call.place
    due = None if length is None else await _moment(passage, place, length)
    while True:
        late = due is not None and passage.now() >= due
        message = passage.unread(name)
        if message is not None:
            return await passage.record(
                place.outcome(value=message.payload, signal=message.name, signal_seq=message.seq)
            )
        if late:  # one that is there when this is recorded beats the time-out
            silence = await passage.record_silence(place.outcome(value=b"null"), name)
            if silence is not None:
                return silence
        else:
            await passage.stand(call, Need(at=due, signal=name))
        await passage.listen()
