"""Tasks by name, whose code is elsewhere: arguments are checked against what a worker has declared.

What JSON Schema says of them is checked here; the worker that knows the code checks all, and fails the run if they
don't fit.
"""

from collections.abc import Coroutine, Mapping
from copy import copy
from functools import partial
from typing import Any, Final, Self, Unpack, cast

import msgspec

from penstock.app.called import called, started
from penstock.app.client import Client
from penstock.app.declared import profile_of
from penstock.app.handle import Run
from penstock.app.layers import Profile
from penstock.app.maker import Maker
from penstock.app.options import NamedByCall, checked
from penstock.app.planned import Planned, Preparing
from penstock.core import codec
from penstock.core.errors import InvalidInput, UnknownTask
from penstock.core.fitting import Fitting
from penstock.core.ids import new_run_id
from penstock.core.names import check_name
from penstock.core.registry import Definition
from penstock.core.run import NewRun
from penstock.core.shape import Shape
from penstock.models import durable
from penstock.models.durable import Here

_ANY: Final = Shape(Any, "result", output=True)


class NamedTask:
    """A task known by its name. Made by `app.named`."""

    def __init__(self, client: Client, name: str, *, unchecked: bool = False) -> None:
        self._client = client
        self._unchecked = unchecked
        self._named: dict[str, Any] = {}
        self.name = check_name(name, "name")

    def __repr__(self) -> str:
        return f"<NamedTask {self.name}>"

    def opts(self, **named: Unpack[NamedByCall]) -> Self:
        """The same task, whose runs are treated as said here. Raises `Invalid` as `Task.opts` does."""
        checked(named)
        other = copy(self)
        other._named = {**self._named, **named}  # noqa: SLF001 (a copy of this very task)
        return other

    async def enqueue(self, *args: object, **named: object) -> Run[Any]:
        """Store a run. Raises `UnknownTask` if no worker has ever declared the task, unless made with `unchecked=True`;
        `InvalidInput` naming an argument that it does not take, or that has the wrong type.
        """
        found = durable.here()
        cascade = self._named.get("cascade", True)
        if found is not None:
            make, own = partial(self._make, args, named), "id" in self._named
            run_id = await started(self._client, found, self.name, make, own_id=own, cascade=cascade)
            return Run(self._client, run_id, created=True)
        new = await self._make(args, named)
        entered = await self._client.enter(new, cascade=cascade)
        return Run(self._client, entered.id, created=entered.created)

    def call(self, *args: object, **named: object) -> "NamedCall":
        """A run that is prepared and not stored yet; its arguments are checked by `enqueue_many` and `submit`."""
        options = self._named if "id" in self._named else {**self._named, "id": new_run_id()}
        own = "id" in self._named
        task = self.opts(**cast("NamedByCall", options))
        return NamedCall(self._client, task, options["id"], args, named, own_id=own)

    def _child(self, found: Here, args: tuple[object, ...], named: Mapping[str, object]) -> Coroutine[Any, Any, Any]:
        """Carried out as a child of the workflow whose code makes the call."""
        known = self._client.handlers.get(self.name)
        returns = _ANY if known is None else known.signature.returns
        return called(self._client, found, self.name, returns, partial(self._make, args, named))

    async def _make(
        self, args: tuple[object, ...], named: Mapping[str, object], within: Preparing | None = None
    ) -> NewRun:
        """The run, its arguments checked. Raises as `enqueue` does."""
        client = self._client
        known = client.handlers.get(self.name)
        if known is not None:
            return self._maker(within).make(known.signature.encode(args, named, limit=client.limit))
        declared = within or Preparing(client)
        try:
            return await self._fitted(args, named, within, declared)
        except (InvalidInput, UnknownTask):  # as far as is remembered
            if self._unchecked or not await declared.looked_again():
                raise
        return await self._fitted(args, named, within, declared)

    async def _fitted(
        self, args: tuple[object, ...], named: Mapping[str, object], within: Preparing | None, declared: Preparing
    ) -> NewRun:
        """The run, its arguments checked against what is declared."""
        definition = await self._definition(declared)
        arguments = bound(self.name, definition, args, named)
        data = codec.encode_named(arguments, limit=self._client.limit)
        if definition is not None:
            check(self.name, schema_of(definition), data)
        return self._maker(within, definition).make(data)

    def _maker(self, within: Preparing | None, definition: Definition | None = None) -> Maker:
        """What the task's code says stands, else what a worker has declared, unless the call says otherwise."""
        declared = Profile(task=self.name) if definition is None else profile_of(definition)
        profile = self._client.profiles.get(self.name, declared)
        return Maker(self._client, profile, checked(self._named), layers=within.layers if within else None)

    async def _definition(self, declared: Preparing) -> Definition | None:
        if self._unchecked:
            return None
        known = await declared.definitions()
        found = [one for one in known if one.task == self.name]
        if not found:
            raise UnknownTask(self.name, sorted({one.task for one in known} | set(self._client.handlers)))
        return max(found, key=lambda one: one.seen_at)


class NamedCall(Planned):
    """A run of a task known by its name, prepared and not stored yet."""

    __slots__ = ("_args", "_named", "task")

    def __init__(
        self,
        client: Client,
        task: NamedTask,
        run_id: str,
        args: tuple[object, ...],
        named: Mapping[str, object],
        *,
        own_id: bool,
    ) -> None:
        super().__init__(client, run_id, own_id=own_id)
        self.task = task
        self._args = args
        self._named = named

    def __repr__(self) -> str:
        return f"<NamedCall of {self.task.name}, run {self.id}>"

    async def _made(self, within: Preparing | None = None) -> NewRun:
        """The run, its arguments checked. Raises as `NamedTask.enqueue` does."""
        return await self.task._make(self._args, self._named, within)


def schema_of(definition: Definition) -> dict[str, Any]:
    """The JSON Schema of the task's input; empty if none was declared."""
    return cast("dict[str, Any]", msgspec.json.decode(definition.schema)) if definition.schema else {}


def bound(
    task: str, definition: Definition | None, args: tuple[object, ...], named: Mapping[str, object]
) -> dict[str, object]:
    """All arguments by name. Raises `InvalidInput` for more positional ones than the task takes, or one said twice."""
    if not args:
        return dict(named)
    names: list[str] = schema_of(definition).get("x-positional", []) if definition is not None else []
    if len(args) > len(names):
        takes = f"{task} takes {len(names)} by position" if definition is not None else f"nothing is known of {task}"
        raise InvalidInput("args", args, f"{takes}: give arguments by name")
    positional = dict(zip(names, args, strict=False))
    for name in positional:
        if name in named:
            raise InvalidInput(name, named[name], f"it is given twice to {task}")
    return {**positional, **named}


def check(task: str, schema: Mapping[str, Any], data: bytes) -> None:
    """Raises `InvalidInput` naming what is unknown, missing, or not as declared: an argument, or what is inside one."""
    given: dict[str, Any] = msgspec.json.decode(data)
    fitting = Fitting(schema.get("$defs", {}))
    root = fitting.resolved(schema)
    if isinstance(root, bool):
        return
    known: Mapping[str, Any] = root.get("properties", {})
    for name in root.get("required", ()):
        if name not in given:
            raise InvalidInput(name, "nothing", f"{task} needs it")
    for name, value in given.items():
        if name in known:
            found = fitting.misfit(name, value, known[name])
            if found is not None:
                raise InvalidInput(found.path, found.value, f"{task} {_takes(found.wanted)}")
        elif root.get("additionalProperties") is False and "**" not in known:
            raise InvalidInput(name, value, f"{task} takes {', '.join(known) or 'no arguments'}")


def _takes(wanted: str) -> str:
    return f"takes {wanted}" if wanted else "needs it"
