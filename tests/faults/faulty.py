"""A store between a program and the real one, where a call goes wrong: each has a number, and one fault befalls it."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from penstock.app.upkeep import BY_HAND
from penstock.core.answers import Answer, Recorded, Spawned, Tended
from penstock.core.errors import LeaseLost, Unavailable
from penstock.core.leases import Claims, Turn

FAULTS: Final = ("never sent", "reply lost", "twice", "crash before", "crash after", "pause")
PAUSE: Final = 45.0  # seconds: longer than a lease

# what a worker hears that is gone: it drops what it does, and its leases end some time later
GONE: Final[Mapping[str, Callable[[tuple[Any, ...]], Any]]] = {
    "claim": lambda _: Claims(),
    "turn": lambda args: Turn(answers=tuple([Answer.LOST] * len(args[0])), claims=Claims()),
    "settle": lambda args: [Answer.LOST] * len(args[0]),
    "record": lambda args: [Recorded(answer=Answer.LOST)] * len(args[0]),
    "spawn": lambda args: [Spawned(answer=Answer.LOST)] * len(args[0]),
    "remove": lambda args: [Answer.LOST] * len(args[0]),
}
WORKFLOW: Final = frozenset({"claim", "turn", "settle", "record", "spawn", "steps", "signals", "get"})
CALLERS: Final = frozenset({"enqueue", "signal", "cancel"})
UPKEEP: Final = frozenset({"tend"})
ALL: Final = WORKFLOW | CALLERS | UPKEEP | {"children", "remove", "append"}


class Died(Exception):  # noqa: N818 (it is news, not a mistake)
    """The process of a caller is gone; what it has asked for may be stored. Another one asks for the same."""


class Faulty:
    """Implements `Store`. `faults`: which fault befalls the call of which number, from 1; `counted`: what is a call."""

    def __init__(
        self,
        store: Any,
        faults: Mapping[int, str],
        pause: Callable[[float], None],
        counted: frozenset[str] = WORKFLOW,
    ) -> None:
        self._store = store
        self._faults = faults
        self._pause = pause
        self._counted = counted
        self.calls = 0
        self.struck: list[str] = []  # the operations that a fault befell
        self.over = False  # the worker has done its work: who asks from now on is the test
        self.twice: list[str] = []  # paths of steps that were carried out although they were recorded
        self._writers: dict[str, str] = {}  # path: under which lease it was written

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in self._counted or not inspect.iscoroutinefunction(found):
            return found

        async def called(*args: Any, **named: Any) -> Any:
            if self.over:
                return await found(*args, **named)
            self.calls += 1
            fault = self._faults.get(self.calls)
            if fault is not None:
                self.struck.append(name)
            return await self._befallen(name, fault, args, lambda: found(*args, **named))

        return called

    async def _befallen(self, name: str, fault: str | None, args: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        match fault:
            case "never sent":
                return self._unheard(name, "no")
            case "reply lost":
                await self._seen(name, args, call())
                return self._unheard(name, "unknown")
            case "twice":
                answer = await self._seen(name, args, call())
                await call()
                return answer
            case "crash before":
                return self._gone(name, args)
            case "crash after":
                await self._seen(name, args, call())
                return self._gone(name, args)
            case "pause":
                self._pause(PAUSE)
                await self._store.tend(1000, BY_HAND)
                answer = await self._seen(name, args, call())
                return self._unheard(name, "unknown") if name in UPKEEP else answer  # the other one did what there was
            case _:
                return await self._seen(name, args, call())

    def _unheard(self, name: str, applied: Any) -> Any:
        if name in UPKEEP:
            return Tended(more=True)  # a worker asks again in its next round
        raise Unavailable("cut", applied=applied)

    def _gone(self, name: str, args: tuple[Any, ...]) -> Any:
        if name in CALLERS:
            raise Died(name)
        if name in UPKEEP:
            return Tended(more=True)  # another one does it
        if name not in GONE:
            raise LeaseLost("of a worker that is gone")
        return GONE[name](args)

    async def _seen(self, name: str, args: tuple[Any, ...], call: Awaitable[Any]) -> Any:
        answer = await call
        if name == "record":
            for one, told in zip(args[0], answer, strict=True):
                if told.answer is Answer.OK:
                    self._writers[one.step.path] = one.lease.token
                elif told.answer is Answer.DUPLICATE and self._writers.get(one.step.path) != one.lease.token:
                    self.twice.append(one.step.path)  # else the same call, sent again
        return answer
