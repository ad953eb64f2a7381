"""A node of a graph as its task's code sees it: what it is given, and what it says beside its output.

A node's run is a run of its task whose input is what the plan hands over, and whose result has an action and the writes
to the context with it. Knows neither plans nor stores.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, cast

import msgspec

from penstock.core import codec
from penstock.core.codec import Codec, Unfit
from penstock.core.error_record import ErrorRecord
from penstock.core.errors import Invalid, InvalidInput, NotInRun
from penstock.core.leases import Claim
from penstock.core.shape import Shape
from penstock.models import overrides
from penstock.models.around import Around, Proceed
from penstock.models.context import Context
from penstock.models.current import Running, running
from penstock.models.graph.context import GraphContext
from penstock.models.graph.events import NodeOutcome, Write


class Handed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The input of a node's run."""

    node: str
    key: str
    input: Any = None
    params: dict[str, Any] = {}
    named: bool = False  # the input is arguments by name: the node's `inputs` is a map
    context: dict[str, Any] = {}
    item: int | None = None  # of a batch
    error: ErrorRecord | None = None  # of the node that this one stands in for

    @property
    def has_map(self) -> bool:
        """Whether the input is a map."""
        return isinstance(self.input, dict)


class Returned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of a node's run."""

    output: msgspec.Raw = msgspec.Raw(b"null")
    action: str | None = None
    writes: tuple[Write, ...] = ()


class NodeContext(GraphContext):
    """The node that this code belongs to, and the context of its graph run: `*, node: NodeContext = penstock.inject()`.

    Writes are applied once, with the node's outcome: of an attempt that fails nothing is. `action` chooses among the
    edges after the node, as `NodeOutcome(output, action)` does when it is returned. Code that is called outside of a
    graph has one, too, which nobody looks at.
    """

    def __init__(self, handed: Handed, clock: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__(handed.context, clock)
        self.id = handed.node
        self.key = handed.key  # the id, with turn and item where there are any: `polish[2]/draft`
        self.input = handed.input
        self.params = handed.params
        self.item = handed.item
        self.error = handed.error
        self.action: str | None = None

    def __repr__(self) -> str:
        return f"<NodeContext {self.key}>"


AroundNode: TypeAlias = Callable[[NodeContext, Proceed], Awaitable[Any]]

_HANDED = msgspec.json.Decoder(Handed)
_RETURNED = msgspec.json.Decoder(Returned)
_ENCODER = msgspec.json.Encoder()


def arguments(data: bytes, parameters: Mapping[str, bool]) -> bytes:
    """The arguments for a function with these parameters (true: it must be given), from the input of a node's run.

    `params` are arguments by name; so is the input if the node's `inputs` is a map, or if it is a map and several
    parameters must be given. Otherwise it is the first parameter that `params` does not name.
    """
    return _ENCODER.encode(bound(_HANDED.decode(data), parameters))


def bound(handed: Handed, parameters: Mapping[str, bool]) -> dict[str, Any]:
    """The same, as values."""
    given = dict(handed.params)
    needed = [name for name, must in parameters.items() if must and name not in given]
    free = [name for name in parameters if name not in given]
    if handed.named or (len(needed) > 1 and handed.has_map):
        return given | cast("dict[str, Any]", handed.input or {})
    if needed or (free and handed.input is not None):
        given[(needed or free)[0]] = handed.input
    return given


def is_node(options: bytes) -> bool:
    """Whether these are the options of a node's run."""
    return bool(options) and overrides.decode(options).node


def result(returned: object, returns: Shape) -> bytes:
    """The result of the running node: what its code has returned, the action, and what it has written."""
    found = running()
    node = found.node if found is not None and isinstance(found.node, NodeContext) else None
    action = None if node is None else node.action
    if isinstance(returned, NodeOutcome):
        action = action if returned.action is None else returned.action
        output = _encoded(returned.output)
    else:
        output = returns.encode(returned)
    if action is not None and not isinstance(action, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise Invalid("action", action, "a text, such as an edge may name")
    writes = () if node is None else tuple(node.writes)
    try:
        return codec.encode(Returned(output=msgspec.Raw(output), action=action, writes=writes), levels=codec.DEPTH + 4)
    except Unfit as error:
        raise Invalid("context", [write.key for write in writes], f"it can't be stored: {error}") from error


def _encoded(output: object) -> bytes:
    try:
        return codec.encode(output)
    except Unfit as error:
        raise Invalid("output", output, str(error)) from error


def returned(data: bytes) -> Returned:
    """What a node's run has come to. Raises `msgspec.DecodeError` if that is none of its results."""
    return _RETURNED.decode(data)


def output_of(options: bytes, data: bytes | None) -> bytes | None:
    """The result of a run as whoever asks for it should see it: of a node's run its output."""
    if data is None or not is_node(options):
        return data
    return bytes(returned(data).output)


def current() -> NodeContext:
    """The node that this code belongs to. Raises `NotInRun` outside of runs."""
    found = running()
    if found is None:
        raise NotInRun("the context of a node")
    if found.node is None:
        found.node = _made(found, found.attempt.claim, found.home.codec)
    return cast("NodeContext", found.node)


def around(function: AroundNode) -> Around:
    """What is around a node, as something around an attempt. Raises `Invalid` for what can't be."""
    if not inspect.iscoroutinefunction(function):
        raise Invalid("around_node", function, "an async def of (node, proceed)")

    async def called(_: Context, proceed: Proceed) -> Any:
        return await function(current(), proceed)

    return called


def _made(found: Running, claim: Claim, through: Codec) -> NodeContext:
    if not is_node(claim.options):
        return NodeContext(Handed(node="", key=""))
    try:
        handed = _HANDED.decode(through.decode(claim.input))
    except msgspec.DecodeError as error:
        raise InvalidInput("input", "(as stored)", f"no input of a node: {error}") from error
    clock = found.attempt.host.clock
    began, started = clock(), claim.started_at
    return NodeContext(handed, lambda: started + clock() - began)
