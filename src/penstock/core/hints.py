"""What an annotation allows: decided once, at registration, so that values can be read exactly and fast later.

An annotation that neither msgspec nor pydantic can read back from JSON is refused here, naming the parameter.
"""

import re
import types
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final, Never, NoReturn, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect as kinds

from penstock.core import adapters
from penstock.core.adapters import Adapted
from penstock.core.control import Control
from penstock.core.errors import Invalid

Annotation: TypeAlias = Any  # what stands behind the colon: a class, a union, an alias

_ANY_KINDS: Final = (kinds.AnyType, kinds.CustomType)  # what they hold is known by its values only


@dataclass(frozen=True, slots=True)
class Hint:
    """An annotation that can be read back."""

    form: Annotation  # what msgspec decodes to; a subclass of Adapted if pydantic does the work
    floats: bool  # a NaN may be inside
    sets: bool  # a set may be inside, whose order means nothing

    @property
    def adapted(self) -> type[Adapted] | None:
        """The class through which values pass, if pydantic does the work."""
        form = self.form
        return form if isinstance(form, type) and issubclass(form, Adapted) else None


ANY: Final = Hint(Any, floats=True, sets=False)


def hint(annotation: Annotation, parameter: str) -> Hint:
    """What the annotation allows. Raises `Invalid` naming the parameter if it can't be read back from JSON."""
    if annotation is object:
        return ANY
    if adapters.has_rules(annotation):
        return _adapted(annotation, parameter, "the rules in its Annotated are pydantic's")
    try:
        tree = list(_tree(kinds.type_info(annotation)))
        msgspec.json.Decoder(annotation)
    except TypeError as error:
        return _adapted(annotation, parameter, str(error))
    for part in tree:
        if isinstance(part, kinds.RawType | kinds.ExtType):
            raise Invalid(parameter, annotation, "raw data has no meaning of its own: annotate what is in it")
        if isinstance(part, kinds.CustomType) and part.cls.__module__ == "collections.abc":
            raise Invalid(
                parameter, annotation, f"{part.cls.__name__} says too little: list, Sequence, dict or Mapping"
            )
        if isinstance(part, kinds.CustomType) and not adapters.is_model(part.cls):
            return _adapted(annotation, parameter, f"nothing says how a {part.cls.__qualname__} is read from JSON")
        if isinstance(part, kinds.DataclassType) and adapters.is_pydantic_dataclass(part.cls):
            return _adapted(annotation, parameter, "pydantic's own dataclasses need pydantic")
    return Hint(
        annotation,
        floats=any(isinstance(part, (kinds.FloatType, *_ANY_KINDS)) for part in tree),
        sets=any(isinstance(part, kinds.SetType | kinds.FrozenSetType) for part in tree),
    )


def _adapted(annotation: Annotation, parameter: str, problem: str) -> Hint:
    kind = adapters.adapted(annotation, re.sub(r"\W", "_", parameter))
    if kind is None:
        raise Invalid(
            parameter,
            annotation,
            f"{problem}. Annotate plain types, dataclasses, msgspec structs or pydantic models (with pydantic "
            "installed), or Any for JSON as it is. What the worker fills in, such as a Context, has the default "
            "inject()",
        )
    return Hint(kind, floats=True, sets=False)


def _tree(root: kinds.Type) -> Iterator[kinds.Type]:
    """All that an annotation is made of, each part once: classes may contain themselves."""
    seen = set[int]()
    rest: list[object] = [root]
    while rest:
        part = rest.pop()
        if isinstance(part, tuple):
            rest.extend(cast("tuple[object, ...]", part))
        elif isinstance(part, kinds.Type | kinds.Field) and id(part) not in seen:
            seen.add(id(part))
            rest.extend(getattr(part, name) for name in part.__struct_fields__)
            if isinstance(part, kinds.Type):
                yield part


def hints_of(function: Callable[..., object], task: str) -> dict[str, Annotation]:
    """The function's annotations, with those written as text resolved. Raises `Invalid` if a name can't be found."""
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise Invalid(
            _who_names(function, error.name),
            error.name,
            f"an annotation of {task} is text, and this name is not at the top of its module: define it there "
            "(what only type checkers import is not there when the program runs)",
        ) from error
    except TypeError as error:
        raise Invalid(task, function, f"its annotations can't be read: {error}") from error


def _who_names(function: Callable[..., object], name: str | None) -> str:
    written = getattr(function, "__annotations__", {})
    return next(
        (parameter for parameter, text in written.items() if isinstance(text, str) and name and name in text), "?"
    )


def result_of(annotation: Annotation) -> Annotation:
    """What a run's result is, by what its handler says to return: awaited, and without what steers the run."""
    origin: object = get_origin(annotation)
    if origin is Coroutine or origin is Awaitable:
        return result_of(get_args(annotation)[-1])
    if origin is Union or origin is types.UnionType:
        kept = [part for part in get_args(annotation) if not _steers(part)]
        return Union[tuple(kept)] if kept else None  # noqa: UP007 (made from a list)
    if annotation is Never or annotation is NoReturn:
        return Any
    return None if _steers(annotation) else annotation


def _steers(annotation: Annotation) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Control)
