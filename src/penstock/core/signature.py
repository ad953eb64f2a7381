"""A handler's arguments to bytes and back, by its signature and type hints, worked out once when it is registered.

Stored is one JSON object: parameter name to value, as given, defaults left out, so that a call means the same however
it was written. Under "*" stands what `*args` takes, under "**" what `**kwargs` takes. Knows neither runs nor options.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from types import GenericAlias
from typing import Any, Final, TypeAlias, Unpack, get_args, get_origin

import msgspec
from msgspec import UNSET

from penstock.core import adapters, codec
from penstock.core.codec import MISSING, STORED, Unfit
from penstock.core.errors import Invalid, InvalidInput
from penstock.core.hints import Annotation, Hint, hint, hints_of, result_of
from penstock.core.inject import Injected, Injection
from penstock.core.shape import Shape, check_type

Call: TypeAlias = tuple[list[Any], dict[str, Any]]

_EXTRA: Final[Mapping[object, str]] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}
_LEVELS: Final = codec.DEPTH + 2  # the object of names and the list or object of extra ones are ours
_PLACES: Final = tuple(
    re.compile(place) for place in (r"at `\$\.([^.\[`]+)", r"field `(.+?)`", r"(?:arguments?:? |^)'(\w+)'")
)


class Signature:
    """What a handler takes. Raises `Invalid` naming the parameter if one could not be read back from JSON."""

    injected: Mapping[str, Injection]  # by parameter: what the worker fills in

    def __init__(self, function: Callable[..., object], task: str) -> None:
        annotations = hints_of(function, task)
        self._task = task
        self._bare, self.injected = _split(inspect.signature(function), annotations)
        self._hints: dict[str, Hint] = {
            parameter.name: hint(_annotation(parameter, annotations), parameter.name)
            for parameter in self._bare.parameters.values()
        }
        self._adapted = {key: found.adapted for key, found in self._hints.items() if found.adapted is not None}
        self._floats = any(found.floats for found in self._hints.values())
        self._sets = any(found.sets for found in self._hints.values())
        by_kind: dict[object, Parameter] = {parameter.kind: parameter for parameter in self._bare.parameters.values()}
        self._extra = {kind: by_kind[kind] for kind in _EXTRA if kind in by_kind}
        self._named = self.injected.keys() | {
            parameter.name
            for parameter in self._bare.parameters.values()
            if parameter.kind in {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}
        }
        self._direct = not self._extra and Parameter.POSITIONAL_ONLY not in by_kind
        self._input = self._record()
        self.parameters: Mapping[str, bool] = {  # what callers may give by name, and whether they must
            parameter.name: parameter.default is Parameter.empty
            for parameter in self._bare.parameters.values()
            if parameter.kind not in _EXTRA
        }
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self._input, dec_hook=adapters.load)
        self.returns = Shape(result_of(annotations.get("return", Any)), f"the result of {task}", output=True)

    def __str__(self) -> str:
        return f"{self._task}{self._bare}"

    def encode(self, args: Sequence[object], kwargs: Mapping[str, object], *, limit: int = codec.LIMIT) -> bytes:
        """The arguments' bytes, bound to the signature and checked against the hints: the handler will get just these.

        Raises `InvalidInput` naming the parameter, or `PayloadTooLarge`.
        """
        given = self._bind(args, kwargs)
        try:
            data = codec.encode(given, floats=self._floats, sets=self._sets, levels=_LEVELS)
        except Unfit as error:
            raise self._culprit(given, error) from error
        codec.check_size(data, f"the input of {self._task}", limit)
        if self._read(data, given) != given:
            self._check_types(given)
        return data

    def check(self, data: bytes, *, limit: int = codec.LIMIT) -> None:
        """Raises as `decode` does for what somebody else wrote, whatever it is."""
        codec.check_size(data, f"the input of {self._task}", limit)
        try:
            codec.check_depth(data, _LEVELS)
        except Unfit as error:
            raise InvalidInput("input", STORED, str(error)) from error
        self.decode(data)

    def decode(self, data: bytes) -> Call:
        """The arguments for the handler, typed as annotated. Raises `InvalidInput` if the stored ones don't fit."""
        given = self._read(data)
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for key, value in zip(self._input.__struct_fields__, msgspec.structs.astuple(given), strict=True):
            if value is not UNSET:
                named[key] = value.value if key in self._adapted else value
        if self._direct:
            return positional, named
        return self._spread(named)

    def schema(self) -> adapters.Schema:
        """The JSON Schema of the input; "x-positional" lists the parameters that may be given without their name."""
        found = codec.schema(self._input)
        found["title"] = self._task
        found["x-positional"] = [
            parameter.name
            for parameter in self._bare.parameters.values()
            if parameter.kind in {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD}
        ]
        return found

    def _record(self) -> type[msgspec.Struct]:
        """A struct whose constructor binds as the handler does, and whose decoder checks all of its hints."""
        fields: dict[bool, list[tuple[str, Annotation, Any]]] = {False: [], True: []}
        for parameter in self._bare.parameters.values():
            optional = parameter.kind in _EXTRA or parameter.default is not Parameter.empty
            by_name = parameter.kind is Parameter.KEYWORD_ONLY or parameter.kind in _EXTRA
            form = self._hints[parameter.name].form
            fields[by_name].append((parameter.name, form, UNSET if optional else msgspec.NODEFAULT))
        rename = {parameter.name: _EXTRA[parameter.kind] for parameter in self._extra.values()}
        positional = msgspec.defstruct("Input", fields[False], forbid_unknown_fields=True)
        return msgspec.defstruct("Input", fields[True], bases=(positional,), kw_only=True, rename=rename)

    def _bind(self, args: Sequence[object], kwargs: Mapping[str, object]) -> msgspec.Struct:
        try:
            given = self._input(*args, **kwargs) if self._direct else self._bind_slowly(args, kwargs)
        except TypeError:
            given = self._bind_slowly(args, kwargs)  # for what it says
        for key, kind in self._adapted.items():
            value = getattr(given, key)
            if value is not UNSET:
                try:
                    setattr(given, key, kind.dump(value))
                except Exception as error:  # a model's own code may raise anything
                    raise self._refusal(key, value, str(error)) from error
        return given

    def _bind_slowly(self, args: Sequence[object], kwargs: Mapping[str, object]) -> msgspec.Struct:
        for name in kwargs:
            if name in self.injected:
                raise self._refusal(name, kwargs[name], "the worker fills it in, leave it out")
        try:
            bound = self._bare.bind(*args, **kwargs)
        except TypeError as error:
            culprit = _place(error)
            value = tuple(args) if culprit is None else kwargs.get(culprit, MISSING)
            raise self._refusal(culprit or "args", value, str(error)) from None
        return self._input(**bound.arguments)

    def _spread(self, named: dict[str, Any]) -> Call:
        """The same values as positional and named ones, where the signature has parameters without a name."""
        extra, open_ended = (named.pop(self._extra[kind].name, ()) if kind in self._extra else () for kind in _EXTRA)
        positional: list[Any] = []
        for parameter in self._bare.parameters.values():
            by_position = parameter.kind is Parameter.POSITIONAL_ONLY
            if by_position or (extra and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD):
                positional.append(named.pop(parameter.name, parameter.default))
        if not self._named.isdisjoint(open_ended):
            raise self._refusal("**", STORED, f"a name stands in it that {self._task} takes itself")
        return [*positional, *extra], named | dict(open_ended)

    def _read(self, data: bytes, given: msgspec.Struct | None = None) -> msgspec.Struct:
        try:
            found: msgspec.Struct = self._decoder.decode(data)
        except Exception as error:  # decoding runs code of the annotated classes, which may raise anything
            name = _place(error) or "input"
            raise self._refusal(name, getattr(given, name, STORED), str(error)) from error
        return found

    def _check_types(self, given: msgspec.Struct) -> None:
        for key, found in self._hints.items():
            value = getattr(given, key)
            if value is not UNSET:
                try:
                    check_type(value, found)
                except msgspec.ValidationError as error:
                    raise self._refusal(key, value, str(error)) from error

    def _culprit(self, given: msgspec.Struct, error: Unfit) -> InvalidInput:
        """The refusal of the first argument that can't be encoded alone."""
        for key, found in self._hints.items():
            value = getattr(given, key)
            try:
                codec.encode(None if value is UNSET else value, floats=found.floats, levels=_LEVELS - 1)
            except Unfit as reason:
                return self._refusal(key, value, str(reason))
        return self._refusal("input", given, str(error))

    def _refusal(self, name: str, value: object, reason: str) -> InvalidInput:
        return InvalidInput(name, value, f"{reason}. The call is {self}")


def _place(error: Exception) -> str | None:
    """The parameter that a complaint is about: the first part of its path, or the only name in it."""
    found = next((hit for place in _PLACES if (hit := place.search(str(error)))), None)
    return found[1] if found else None


def _split(
    whole: inspect.Signature, annotations: Mapping[str, Annotation]
) -> tuple[inspect.Signature, dict[str, Injection]]:
    """The signature as callers see it, and what the worker fills in."""
    injected: dict[str, Injection] = {}
    for name, parameter in whole.parameters.items():
        if name.startswith("__"):
            raise Invalid(
                name, parameter, "parameters whose names begin with two underscores have no place in an input"
            )
        if isinstance(parameter.default, Injected):
            if parameter.kind is not Parameter.KEYWORD_ONLY:
                raise Invalid(
                    name, parameter, "what the worker fills in stands behind a `*`, so that callers may omit it"
                )
            injected[name] = Injection(annotations.get(name, Any), parameter.default.provider)
    kept = [parameter for name, parameter in whole.parameters.items() if name not in injected]
    return whole.replace(parameters=kept), injected


def _annotation(parameter: Parameter, annotations: Mapping[str, Annotation]) -> Annotation:
    """What may stand under the parameter's key."""
    annotation = annotations.get(parameter.name, Any)
    match parameter.kind:
        case Parameter.VAR_POSITIONAL:
            return GenericAlias(list, (annotation,))
        case Parameter.VAR_KEYWORD:
            origin: object = get_origin(annotation)
            return get_args(annotation)[0] if origin is Unpack else GenericAlias(dict, (str, annotation))
        case _:
            return annotation
