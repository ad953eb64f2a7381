"""A flow comes to the same end whichever call of the store is cut off, unheard, or made twice.

FLOW_FAULTS=1 places a fault at each call; the default suite at each third.
"""

import inspect
import os
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest

from penstock import App, Context, Retry, Tree, Unavailable, inject
from penstock.ports.store import Store

FAULTS = ("unsent", "unheard", "twice")
REPEATED = frozenset({"enqueue", "claim", "settle", "turn", "spawn", "children", "remove", "append", "extend"})
CALLS = 26  # a few more than there are
EACH = 1 if os.environ.get("FLOW_FAULTS") else 3


class Faulty:
    """A store at one of whose calls something goes wrong; the callers of these operations repeat them."""

    def __init__(self, store: Store, number: int, fault: str) -> None:
        self._store = store
        self._left = number
        self._fault = fault
        self.struck = ""
        self.over = False  # what the test itself asks is not repeated

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return partial(self._call, name, found) if name in REPEATED and inspect.iscoroutinefunction(found) else found

    async def _call(self, name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        self._left -= 1
        if self._left != 0 or self.over:
            return await call(*args, **named)
        self.struck = name
        if self._fault == "unsent":
            raise Unavailable("cut off", applied="no")
        answer = await call(*args, **named)
        if self._fault == "unheard":
            raise Unavailable("cut off", applied="unknown")
        return await call(*args, **named) if self._fault == "twice" else answer


async def end_of(number: int, fault: str) -> tuple[Any, str]:
    """How the flow ends, and the operation that was struck."""
    app = App("memory://")
    ran: dict[str, int] = {}

    @app.task(retry=Retry(2, delay=0))
    async def part(name: str) -> str:
        ran[name] = ran.get(name, 0) + 1
        if name == "bad" or (name == "flaky" and ran[name] == 1):
            raise ValueError(name)
        return name

    @app.task
    async def whole(*, ctx: Context = inject()) -> list[Any]:
        results = [one.result for one in (await ctx.children.results()).items]
        failures = [one.name for one in (await ctx.children.failures()).items]
        dropped = await ctx.children.cancel_pending()
        added = await ctx.children.add(part.call("added").after(part.call("below")))
        return [results, failures, dropped > 0, len(added)]

    async with app.testing() as stage:
        faulty = Faulty(stage._store, number, fault)
        stage._store = cast("Store", faulty)
        node = await app.submit(
            whole.call().after(
                part.call("a").after(part.call("b"), part.call("flaky")),
                part.call("bad").if_fails("continue"),
                part.opts(delay="1h").call("late"),
            )
        )
        await stage.advance("2h")
        result = await node.run.result()
        faulty.over = True
        tree = await app.tree(node.run.id)
        assert await stage.check() == []
        return (result, shape(tree)), faulty.struck


def shape(tree: Tree) -> Any:
    return tree.run.input.get("name"), tree.run.state.value, [shape(child) for child in tree.children]


def placed() -> list[tuple[str, int]]:
    return [(fault, number) for fault in FAULTS for number in range(1, CALLS)][::EACH]


@pytest.mark.parametrize(("fault", "number"), placed())
async def test_a_flow_ends_as_if_nothing_had_happened(fault: str, number: int) -> None:
    calm, struck = await end_of(0, fault)
    assert struck == ""
    ended, _ = await end_of(number, fault)
    assert allowed(ended) == allowed(calm)


def allowed(ended: Any) -> Any:
    """What does not hang on who was first: `a` may be done when the parent starts early and drops what is pending."""
    _, (name, state, children) = ended
    return name, state, [child for child in children if child[0] not in {"late", "a"}]


async def test_faults_reach_every_operation() -> None:
    """The places at which faults are put are those of the calls that there are."""
    found = {(await end_of(number, "twice"))[1] for number in range(1, CALLS)}
    assert {"enqueue", "claim", "turn", "spawn", "children", "remove"} <= found | {"settle"}
