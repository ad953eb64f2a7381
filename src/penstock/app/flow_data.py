"""Flows as plain data, as they come from JSON: `{"task", "queue", "input", "opts", "children"}`, to calls.

What stands in a place where it means nothing is refused. Knows no store.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from penstock.app.named import NamedCall, NamedTask
from penstock.app.options import NamedByCall
from penstock.app.planned import as_data, placed
from penstock.core.errors import Invalid, PenstockError
from penstock.core.retry import Retry
from penstock.models.flows import DEEPEST

Named: TypeAlias = Callable[[str], NamedTask]
Plain: TypeAlias = Mapping[str, Any]

FIELDS: Final = ("task", "queue", "input", "opts", "children")
OF_CHILDREN: Final = ("if_fails", "name")  # in `opts`, beside those of calls
OF_PARENTS: Final = ("siblings",)
_ALLOWED: Final = sorted({*NamedByCall.__annotations__, *OF_CHILDREN, *OF_PARENTS} - {"cascade", "queue"})
_RETRY: Final = ("attempts", "delay", "backoff", "factor", "cap", "jitter")


def call_of(data: Plain, where: str, named: Named) -> NamedCall:
    """The flow as a call. Raises `Invalid`, naming the node's place, for what is refused."""
    order = list(_nodes(data, where))
    made: dict[str, NamedCall] = {}
    for place, one in reversed(order):  # children before their parents
        below = [made.pop(f"{place}.children[{n}]") for n in range(len(_children(one, place)))]
        made[place] = _call(one, place, named, below)
    return made[where]


def _nodes(data: Plain, where: str) -> Iterator[tuple[str, Plain]]:
    """Each node with its place, parents first."""
    left: list[tuple[str, object, int]] = [(where, data, 0)]
    while left:
        place, one, depth = left.pop()
        if depth > DEEPEST:
            raise Invalid(place, "...", f"more than {DEEPEST} levels below the root")
        node = _mapping(one, place, f"a node: a mapping with {', '.join(FIELDS)}; all but task may be left out")
        for field in node:
            if field not in FIELDS:
                raise Invalid(f"{place}.{field}", node[field], f"no such field here; there are {', '.join(FIELDS)}")
        yield place, node
        left += [(f"{place}.children[{n}]", child, depth + 1) for n, child in enumerate(_children(node, place))]


def _call(node: Plain, where: str, named: Named, below: Sequence[NamedCall]) -> NamedCall:
    said = _mapping(node.get("opts", {}), f"{where}.opts", "a mapping of options by name")
    for option in said:
        if option not in _ALLOWED:
            raise Invalid(
                f"{where}.opts.{option}", said[option], f"no such option here; there are {', '.join(_ALLOWED)}"
            )
    given = _mapping(node.get("input", {}), f"{where}.input", "a mapping: the arguments by name")
    options = {name: said[name] for name in said if name not in {*OF_CHILDREN, *OF_PARENTS}}
    if "retry" in options:
        options["retry"] = _retry(options["retry"], where)
    if "queue" in node:
        options["queue"] = node["queue"]
    try:
        call = named(cast("str", node.get("task"))).opts(**cast("NamedByCall", options)).call(**given)
        if "if_fails" in said:
            call = call.if_fails(said["if_fails"])
        if "name" in said:
            call = call.named(said["name"])
        return as_data(call.after(*below, siblings=said.get("siblings")))
    except PenstockError as error:
        raise placed(error, where) from None


def _retry(value: object, where: str) -> Retry:
    """A number of attempts, or the arguments of `Retry` by name."""
    if isinstance(value, Retry):
        return value
    said = {"attempts": value}
    if not isinstance(value, int) or isinstance(value, bool):
        allowed = f"a number of attempts, or a mapping of {', '.join(_RETRY)}"
        said = dict(_mapping(value, f"{where}.opts.retry", allowed))
    for name in said:
        if name not in _RETRY:
            raise Invalid(f"{where}.opts.retry.{name}", said[name], f"no such part; there are {', '.join(_RETRY)}")
    try:
        return Retry(**cast("Any", said))
    except PenstockError as error:
        raise placed(error, f"{where}.opts.retry") from None


def _children(node: Plain, where: str) -> Sequence[object]:
    children = node.get("children", ())
    if not isinstance(children, list | tuple):
        raise Invalid(f"{where}.children", children, "a list of nodes")
    return cast("Sequence[object]", children)


def _mapping(value: object, where: str, allowed: str) -> Plain:
    if not isinstance(value, Mapping):
        raise Invalid(where, value, allowed)
    said = cast("Mapping[object, Any]", value)
    if not all(isinstance(key, str) for key in said):
        raise Invalid(where, said, allowed)
    return cast("Plain", said)
