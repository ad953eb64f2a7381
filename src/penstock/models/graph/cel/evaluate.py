"""From a tree to a value, by a chain of closures that is made once. Reads maps and lists, and never an attribute."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from penstock.models.graph.cel import syntax, values
from penstock.models.graph.cel.fault import Exhausted, Meter, Raised, kind
from penstock.models.graph.cel.syntax import Expression


class Given(msgspec.Struct):
    """What one evaluation works with: the variables, those of macros among them, and what it may still spend."""

    variables: dict[str, Any]
    meter: Meter


Compiled: TypeAlias = Callable[[Given], Any]


def compiled(tree: Expression) -> Compiled:
    """What evaluates the tree; raises `Raised` for what the language calls an error."""
    inner, at = _MAKERS[type(tree)](tree), tree.at

    def paid(given: Given) -> Any:
        given.meter.spend(1, at)
        return inner(given)

    return paid


def run(evaluate: Compiled, variables: Mapping[str, Any]) -> Any:
    """The value with these variables, which are only read."""
    return evaluate(Given(dict(variables), Meter()))


def _literal(tree: syntax.Literal) -> Compiled:
    value = tree.value
    return lambda _: value


def _name(tree: syntax.Name) -> Compiled:
    name = tree.name
    return lambda given: given.variables[name]


def _field(tree: syntax.Field) -> Compiled:
    of, name, at = compiled(tree.of), tree.name, tree.at

    def field(given: Given) -> Any:
        return _entry(of(given), name, at)

    return field


def _item(tree: syntax.Item) -> Compiled:
    of, index, at = compiled(tree.of), compiled(tree.index), tree.at

    def item(given: Given) -> Any:
        found, key = of(given), index(given)
        if not isinstance(found, list | tuple):
            return _entry(found, key, at)
        items = cast("values.Values", found)
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        if isinstance(key, bool) or not isinstance(key, int):
            raise Raised(f"a list is asked by a whole number, not by a {kind(key)}", at)
        if not 0 <= key < len(items):
            raise Raised(f"there is no item {key} in a list of {len(items)}", at)
        return items[key]

    return item


def _has(tree: syntax.Has) -> Compiled:
    of, name, at = compiled(tree.of), tree.name, tree.at

    def has(given: Given) -> bool:
        found = of(given)
        if not isinstance(found, dict):
            raise Raised(f"a {kind(found)} has no fields", at)
        return name in cast("dict[str, Any]", found)

    return has


def _unary(tree: syntax.Unary) -> Compiled:
    of, at = compiled(tree.of), tree.at
    if tree.operator == "-":
        return lambda given: values.negated(of(given), at)
    return lambda given: not _truth(of(given), at)


def _binary(tree: syntax.Binary) -> Compiled:
    operator, at = tree.operator, tree.at
    if operator in {"&&", "||"}:
        return _either(tree)
    left, right = compiled(tree.left), compiled(tree.right)
    match operator:
        case "==":
            return lambda given: values.equal(left(given), right(given), given.meter, at)
        case "!=":
            return lambda given: not values.equal(left(given), right(given), given.meter, at)
        case "in":
            return lambda given: _in(left(given), right(given), given, at)
        case "+":
            return lambda given: values.add(left(given), right(given), given.meter, at)
        case "<" | "<=" | ">" | ">=":
            return lambda given: values.compare(operator, left(given), right(given), given.meter, at)
        case _:
            return lambda given: values.arithmetic(operator, left(given), right(given), at)


def _in(item: Any, container: Any, given: Given, at: int) -> bool:
    return values.contains(container, item, given.meter, at)


def _either(tree: syntax.Binary) -> Compiled:
    """`&&` and `||`: one side that decides is enough, also if the other one comes to an error."""
    left, right, at, deciding = compiled(tree.left), compiled(tree.right), tree.at, tree.operator == "||"

    def either(given: Given) -> bool:
        try:
            if _truth(left(given), at) is deciding:
                return deciding
        except Exhausted:
            raise
        except Raised:
            if _truth(right(given), at) is deciding:
                return deciding
            raise
        return _truth(right(given), at)

    return either


def _choice(tree: syntax.Choice) -> Compiled:
    condition, so, otherwise, at = compiled(tree.condition), compiled(tree.so), compiled(tree.otherwise), tree.at
    return lambda given: so(given) if _truth(condition(given), at) else otherwise(given)


def _list(tree: syntax.ListOf) -> Compiled:
    items = [compiled(item) for item in tree.items]
    return lambda given: [item(given) for item in items]


def _map(tree: syntax.MapOf) -> Compiled:
    entries = [(compiled(key), compiled(value), key.at) for key, value in tree.entries]

    def mapping(given: Given) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value, at in entries:
            name = key(given)
            if not isinstance(name, str):
                raise Raised(f"the keys of a map are strings here, not a {kind(name)}", at)
            if name in found:
                raise Raised(f"the key {name!r} stands twice in the map", at)
            found[name] = value(given)
        return found

    return mapping


def _call(tree: syntax.Call) -> Compiled:
    arguments, function, at = [compiled(one) for one in tree.arguments], _FUNCTIONS[tree.function], tree.at
    return lambda given: function([one(given) for one in arguments], given.meter, at)


def _macro(tree: syntax.Macro) -> Compiled:
    over, body, at, variable = compiled(tree.over), compiled(tree.body), tree.at, tree.variable
    where = None if tree.where is None else compiled(tree.where)
    fold = _FOLDS[tree.macro]

    def macro(given: Given) -> Any:
        def holds(one: Any, part: Compiled) -> Any:
            given.variables[variable] = one
            return part(given)

        found = over(given)
        items = list(cast("dict[str, Any]", found)) if isinstance(found, dict) else found
        if not isinstance(items, list | tuple):
            raise Raised(f"{tree.macro}() goes over a list or a map, not a {kind(found)}", at)
        kept = (one for one in cast("values.Values", items) if where is None or _truth(holds(one, where), at))
        return fold(kept, lambda one: holds(one, body), at)

    return macro


_Each: TypeAlias = Callable[[Any], Any]


def _all(items: Any, body: _Each, at: int) -> bool:
    return _any_of(items, body, at, deciding=False)


def _exists(items: Any, body: _Each, at: int) -> bool:
    return _any_of(items, body, at, deciding=True)


def _any_of(items: Any, body: _Each, at: int, *, deciding: bool) -> bool:
    """A chain of `||` or `&&`: one item that decides is enough, also if others come to an error."""
    first: Raised | None = None
    for one in items:
        try:
            if _truth(body(one), at) is deciding:
                return deciding
        except Exhausted:
            raise
        except Raised as error:
            first = first or error
    if first is not None:
        raise first
    return not deciding


def _exists_one(items: Any, body: _Each, at: int) -> bool:
    return sum(1 for one in items if _truth(body(one), at)) == 1


def _filter(items: Any, body: _Each, at: int) -> list[Any]:
    return [one for one in items if _truth(body(one), at)]


def _mapped(items: Any, body: _Each, _: int) -> list[Any]:
    return [body(one) for one in items]


def _truth(value: Any, at: int) -> bool:
    if not isinstance(value, bool):
        raise Raised(f"true or false is needed here, not a {kind(value)}", at)
    return value


def _entry(found: Any, key: Any, at: int) -> Any:
    if not isinstance(found, dict):
        raise Raised(f"a {kind(found)} has no field {key!r}", at)
    mapping = cast("dict[str, Any]", found)
    if not isinstance(key, str) or key not in mapping:
        raise Raised(f"there is no {key!r} in it: ask has() first", at)
    return mapping[key]


def _texts(arguments: list[Any], function: str, meter: Meter, at: int) -> tuple[str, str]:
    text, other = arguments
    if not (isinstance(text, str) and isinstance(other, str)):
        raise Raised(f"{function}() is for two texts, not {kind(text)} and {kind(other)}", at)
    meter.spend((len(text) + len(other)) >> 4, at)
    return text, other


def _contains(arguments: list[Any], meter: Meter, at: int) -> bool:
    text, other = _texts(arguments, "contains", meter, at)
    return other in text


def _starts(arguments: list[Any], meter: Meter, at: int) -> bool:
    text, other = _texts(arguments, "startsWith", meter, at)
    return text.startswith(other)


def _ends(arguments: list[Any], meter: Meter, at: int) -> bool:
    text, other = _texts(arguments, "endsWith", meter, at)
    return text.endswith(other)


_FUNCTIONS: Final[dict[str, Callable[[list[Any], Meter, int], Any]]] = {
    "size": lambda arguments, _, at: values.size(arguments[0], at),
    "int": lambda arguments, _, at: values.as_int(arguments[0], at),
    "double": lambda arguments, _, at: values.as_double(arguments[0], at),
    "string": lambda arguments, _, at: values.as_string(arguments[0], at),
    "contains": _contains,
    "startsWith": _starts,
    "endsWith": _ends,
}
_FOLDS: Final[dict[str, Callable[[Any, _Each, int], Any]]] = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _mapped,
}
_MAKERS: Final[dict[type, Callable[[Any], Compiled]]] = {
    syntax.Literal: _literal,
    syntax.Name: _name,
    syntax.Field: _field,
    syntax.Item: _item,
    syntax.Has: _has,
    syntax.Unary: _unary,
    syntax.Binary: _binary,
    syntax.Choice: _choice,
    syntax.Call: _call,
    syntax.Macro: _macro,
    syntax.ListOf: _list,
    syntax.MapOf: _map,
}
