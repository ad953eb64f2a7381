"""What a graph run keeps in its store: the blueprints it was started with, and what its plan was told, in order.

All of it is JSON behind the app's codec. Knows neither planner nor store.
"""

from typing import Any, Final, TypeVar

import msgspec

from penstock.core import ids
from penstock.core.errors import InvalidInput
from penstock.core.leases import Step
from penstock.models.graph.events import GraphEvent, Told

T = TypeVar("T")

TASK: Final = "penstock.graph"  # of all graph runs: any worker can plan any graph
KIND: Final = "plan"  # of the records
BAGGAGE: Final = "penstock.blueprints"  # the message that brings what is too large to travel with each claim


class Baggage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """With what a graph run begins."""

    blueprints: dict[str, dict[str, Any]]  # by id, or id@version: its own, and those of the graphs below it
    input: Any = None
    context: dict[str, Any] = {}


class Rewind(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One going back, asked for by hand when the run had ended."""

    entries: int  # records that there were
    at: float  # unix seconds
    node: str
    back: bool = False  # to the moment when the node was first started; otherwise on from it, all beside it as it was
    given: bool = False  # `input` is what the node is given
    input: Any = None
    ended: GraphEvent  # how the run had
    once: str  # of this one alone


class GraphInput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The input of a graph run. Without `baggage` that came as a message to the run, with the run itself."""

    blueprint: str  # which of the blueprints is its own
    baggage: Baggage | None = None
    digest: str = ""  # of the baggage that is not here
    rewinds: tuple[Rewind, ...] = ()  # each began another history, in order

    def encode(self) -> bytes:
        """As JSON."""
        return _ENCODER.encode(self)


class Noted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that the plan was told. `life`: of the node's run that has ended; 0: it was no end of a run."""

    event: Told
    life: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the plan was told at one moment: the value of one record. The first is the start, and may tell nothing.

    `started`: so many of what was to be started by then, the first of it, were started in the same move.
    """

    at: float  # unix seconds of the store's clock
    turn: int = 0  # grows when all that was decided before has been carried out
    events: tuple[Noted, ...] = ()
    started: int = 0


_ENCODER: Final = msgspec.json.Encoder()
_INPUT: Final = msgspec.json.Decoder(GraphInput)
_BAGGAGE: Final = msgspec.json.Decoder(Baggage)
_ENTRY: Final = msgspec.json.Decoder(Entry)


def encoded(value: msgspec.Struct) -> bytes:
    """As JSON. Numbers that JSON has not become null: expressions and codecs have refused them before."""
    return _ENCODER.encode(value)


def decoded_input(data: bytes) -> GraphInput:
    """The input behind the bytes. Raises `InvalidInput`."""
    return _read(_INPUT, data)


def decoded_baggage(data: bytes) -> Baggage:
    """The baggage behind the bytes. Raises `InvalidInput`."""
    return _read(_BAGGAGE, data)


def decoded_entry(data: bytes) -> Entry:
    """The entry behind the bytes. Raises `msgspec.DecodeError`."""
    return _ENTRY.decode(data)


def _read(decoder: "msgspec.json.Decoder[T]", data: bytes) -> T:
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise InvalidInput("input", "(as stored)", f"no input of a graph run: {error}. Say app.start(...)") from error


def path_of(number: int) -> str:
    """Where entry `number`, from 0, stands among the records."""
    return f"plan#{number}"


def entries_of(steps: list[Step]) -> list[Step]:
    """The records of entries, in order, up to the first that is missing."""
    known = {step.path: step for step in steps}
    found: list[Step] = []
    while (step := known.get(path_of(len(found)))) is not None:
        found.append(step)
    return found


def child_id(run_id: str, history: int, key: str) -> str:
    """The id of what this graph run starts under the key: the same however often it is planned."""
    return ids.child_id(run_id, history, (), key, 1)
