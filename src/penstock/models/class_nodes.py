"""Nodes that are classes: prepare once, execute with retries, fall back, finish, clean up; one object for each attempt.

What `prepare` returns is recorded, so that another attempt, on whichever worker, has it. Knows no plan and no store.
"""

import inspect
import logging
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from penstock.core import error_record
from penstock.core.control import Control, Never
from penstock.core.errors import Invalid
from penstock.core.hints import hints_of, result_of
from penstock.core.leases import Fail, Outcome, Step
from penstock.core.shape import Shape
from penstock.engine.attempt import verdict
from penstock.engine.handler import Attempt
from penstock.engine.stop import Reason
from penstock.engine.threads import in_thread
from penstock.models import nodes
from penstock.models.around import through
from penstock.models.context import Context
from penstock.models.current import Carried, Running
from penstock.models.graph.events import Write
from penstock.models.jobs import JobHandler, JobOptions, Surroundings

PREPARED: Final = "prepare#0"  # the path of the one record
_TAKES: Final = {"fallback": "error", "finish": "result", "cleanup": "error"}

_log: Final = logging.getLogger(__name__)


class Prepared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `prepare` came to."""

    value: msgspec.Raw
    action: str | None = None
    writes: tuple[Write, ...] = ()


_PREPARED: Final = msgspec.json.Decoder(Prepared)


class ClassHandler(JobHandler):
    """Carries out the runs of one class. Raises `Invalid` for a class that is none of a node."""

    def __init__(self, kind: type[Any], task: str, options: JobOptions, *, home: Surroundings | None = None) -> None:
        self.kind = kind
        self.methods = _methods(kind, task)
        super().__init__(_stand_in(kind, self.methods, task), task, options, home=home)
        prepare = self.methods.get("prepare")
        self._prepared = None if prepare is None else _shape(prepare, f"what {task} has prepared")

    async def work(self, attempt: Attempt) -> Outcome:
        args, named = self._arguments(attempt.claim)
        with Carried(Running(attempt, self.home)):
            object_ = self.kind()
            object_.node = nodes.current()
            life = _Life(self, attempt, object_)
            try:
                returned = await through(
                    self._chain(attempt), Context(attempt), lambda: life.live(partial(_call_with, args, named))
                )
                outcome = self._outcome(attempt, returned)
            except CancelledError as error:
                if isinstance(await verdict(self, attempt, error), Fail) or attempt.stop.reason is Reason.CANCEL:
                    await life.clean_up(error)
                raise
            except Exception as error:
                if error is life.last:  # not of `execute`: nothing is tried again
                    outcome = Fail(lease=attempt.lease, error=error_record.describe(error).encode())
                else:
                    decided = await verdict(self, attempt, error)
                    if not isinstance(decided, Fail):
                        raise
                    outcome = decided
                await life.clean_up(error)
                return replace(outcome, forget=(PREPARED,))  # a redrive begins with the beginning
            await life.clean_up(None)
            return outcome

    async def call(self, object_: Any, method: str, invoke: Callable[[Callable[..., Any]], Any]) -> Any:
        """Call the method on the loop, or if it is a `def` in a thread."""
        bound: Callable[..., Any] = getattr(object_, method)
        if inspect.iscoroutinefunction(bound):
            return await invoke(bound)
        return await in_thread(self.home.threads, partial(invoke, bound))

    async def prepared(self, attempt: Attempt, object_: Any, invoke: Callable[[Callable[..., Any]], Any]) -> Any:
        """What is prepared, by this attempt or an earlier one: as it reads from its record."""
        shape, codec = self._prepared, self.home.codec
        assert shape is not None
        run_id = attempt.claim.run_id
        stored = (
            await attempt.host.ask(lambda views: views.steps(run_id, paths=[PREPARED]))
            if attempt.claim.recorded
            else []
        )
        node: nodes.NodeContext = object_.node
        if stored:
            known = _PREPARED.decode(codec.decode(stored[0].value or b""))
            node.patch([(one.op, one.key, one.value)[: 3 if one.op == "set" else 2] for one in known.writes])
            node.writes[:] = known.writes
            node.action = known.action
            return shape.decode(bytes(known.value))
        data = shape.encode(await self.call(object_, "prepare", invoke))
        made = Prepared(value=msgspec.Raw(data), action=node.action, writes=tuple(node.writes))
        await attempt.record(Step(path=PREPARED, kind="prepare", value=codec.encode(msgspec.json.encode(made))))
        return shape.decode(data)


class _Life:
    """One attempt of one object."""

    def __init__(self, handler: ClassHandler, attempt: Attempt, object_: Any) -> None:
        self._handler = handler
        self._attempt = attempt
        self._object = object_
        self.last: BaseException | None = None  # an error after which nothing is tried again

    async def live(self, invoke: Callable[[Callable[..., Any]], Any]) -> Any:
        """What the node comes to."""
        methods = self._handler.methods
        if "prepare" in methods:
            try:
                prepared = await self._handler.prepared(self._attempt, self._object, invoke)
            except Exception as error:
                self._ends(error)
                raise
            invoke = partial(_call_with, [prepared], {})
        try:
            result = await self._handler.call(self._object, "execute", invoke)
        except Exception as error:  # noqa: BLE001 (what it raises is for `fallback`, or raised again there)
            result = await self._rescued(error)
        if "finish" not in methods:
            return result
        try:
            return await self._handler.call(self._object, "finish", partial(_call_with, [result], {}))
        except Exception as error:
            self._ends(error)
            raise

    async def _rescued(self, error: Exception) -> Any:
        """What `fallback` makes of it, if nothing is to be tried again and the error allows it."""
        handler, attempt = self._handler, self._attempt
        if "fallback" not in handler.methods or isinstance(error, Never) or attempt.stop.reason is not None:
            raise error
        if not isinstance(await verdict(handler, attempt, error), Fail):
            raise error
        try:
            return await handler.call(self._object, "fallback", partial(_call_with, [error], {}))
        except Exception as second:
            self._ends(second)
            raise

    def _ends(self, error: Exception) -> None:
        if not isinstance(error, Control):
            self.last = error

    async def clean_up(self, error: BaseException | None) -> None:
        """The node has ended. What `cleanup` raises is logged and changes nothing."""
        if "cleanup" not in self._handler.methods:
            return
        try:
            await self._handler.call(self._object, "cleanup", partial(_call_with, [error], {}))
        except Exception:  # noqa: BLE001 (it is logged: the run has ended by then)
            _log.exception("cleanup of %s has failed; its run ends as it would have", self._handler.ability.task)


def _call_with(args: list[Any], named: dict[str, Any], method: Callable[..., Any]) -> Any:
    return method(*args, **named)


def _methods(kind: type[Any], task: str) -> Mapping[str, Callable[..., Any]]:
    """The methods that it has, by name. Raises `Invalid` for a class that can't be a node."""
    if not inspect.isclass(kind):
        raise Invalid("node", kind, "decorate a class with a method execute; functions are tasks: @app.task")
    found = {name: getattr(kind, name) for name in ("prepare", "execute", *_TAKES) if hasattr(kind, name)}
    if "execute" not in found:
        raise Invalid("node", kind, f"{task} needs a method execute")
    try:
        inspect.signature(kind).bind()
    except TypeError as error:
        raise Invalid("node", kind, f"{task} is made without arguments, anew for each attempt: {error}") from error
    takes = {**_TAKES, **({"execute": "prepared"} if "prepare" in found else {})}
    for name, method in found.items():
        if not inspect.isfunction(method):
            raise Invalid(name, method, f"a method of {task}: def or async def, with self")
        if name in takes:
            try:
                inspect.signature(method).bind(None, None)
            except TypeError as error:
                raise Invalid(name, method, f"it takes self and one more: def {name}(self, {takes[name]})") from error
    return found


def _stand_in(kind: type[Any], methods: Mapping[str, Callable[..., Any]], task: str) -> Callable[..., Any]:
    """A function with the parameters of the first method and the result of the last one."""
    first = methods.get("prepare", methods["execute"])
    last = methods.get("finish", methods["execute"])
    hints = {name: one for name, one in hints_of(first, task).items() if name != "return"}
    parameters = list(inspect.signature(first).parameters.values())[1:]

    async def stand_in(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a class is carried out by its methods")

    stand_in.__name__ = stand_in.__qualname__ = kind.__name__
    stand_in.__module__ = kind.__module__
    stand_in.__doc__ = kind.__doc__
    stand_in.__annotations__ = {**hints, "return": hints_of(last, task).get("return", Any)}
    stand_in.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return stand_in


def _shape(method: Callable[..., Any], what: str) -> Shape:
    return Shape(result_of(hints_of(method, what).get("return", Any)), what, output=True)
