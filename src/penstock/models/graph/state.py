"""How a graph run stands: plain data that can be stored, and from which planning goes on."""

from typing import Any, Final, Literal, Self, TypeAlias

import msgspec

from penstock.core.error_record import ErrorRecord

Status: TypeAlias = Literal[
    "pending", "running", "succeeded", "failed", "rescued", "skipped", "barred", "blocked", "cancelled"
]


class NodeState(msgspec.Struct, omit_defaults=True):
    """How a node stands, in the present turn of the loops around it."""

    status: Status = "pending"
    arrived: int = 0  # edges into it that have been decided on
    barred: int = 0  # those of them that failed
    taken: list[int] = []  # those of them that were taken, in the order in which they were
    action: str | None = None
    error: ErrorRecord | None = None
    url: str | None = None  # of a webhook that waits


class LoopState(msgspec.Struct, omit_defaults=True):
    """How a loop stands."""

    value: Any = None  # of the last turn; before the first one, what the loop was given
    turn: int = 0  # turns begun
    busy: int = 0  # nodes of its body that are under way
    arrived: int = 0  # edges back to it that have been decided on in this turn
    barred: int = 0
    taken: list[int] = []


class BatchState(msgspec.Struct, omit_defaults=True):
    """How a batch stands."""

    allowed: int  # items that may fail
    results: list[Any]  # one for each item; None until it has ended
    next: int = 0
    until: int = 0  # where the present chunk ends
    running: set[int] = set()
    failed: int = 0


class GraphState(msgspec.Struct, omit_defaults=True):
    """How a graph run stands. `encode` and `decode` keep it; nobody but a planner changes it."""

    status: Literal["running", "succeeded", "failed"] = "running"
    input: Any = None
    overrides: dict[str, Any] = {}  # inputs of nodes, said by hand
    context: dict[str, Any] = {}
    stamps: dict[str, float] = {}  # when each key of the context was last written
    outputs: dict[str, Any] = {}
    inputs: dict[str, Any] = {}
    values: dict[int, Any] = {}  # what edges with a transform made of it, by their places
    nodes: dict[str, NodeState] = {}
    loops: dict[str, LoopState] = {}
    batches: dict[str, BatchState] = {}
    active: dict[str, tuple[str, int | None]] = {}  # by key: a node that is under way, and which item of it
    under_way: int = 0  # nodes that are, loops and batches among them
    blocked: dict[str, str] = {}  # nodes that wait to be redriven, and their keys
    failure: tuple[str, ErrorRecord] | None = None

    def encode(self) -> bytes:
        """The state as JSON."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The state behind the bytes. Raises `msgspec.DecodeError` if they are none."""
        return msgspec.json.decode(data, type=cls)


_ENCODER: Final = msgspec.json.Encoder()
