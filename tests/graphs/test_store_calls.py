"""How often the store is asked on behalf of a graph, and for how much: counted, so that no clock decides."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from penstock import App, Graph, State
from penstock.ports.store import Store
from tests.engine.tapped import Tapped

SOON = 60.0  # real seconds that only a failing test waits
PLANS = ("get", "steps", "signals", "record", "spawn")


class Reading(Tapped):
    """Counts the runs that are read, too."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.read: list[int] = []  # runs, of each call
        self.looked = asyncio.Queue[int]()

    async def _call(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        if name == "get":
            self.read.append(len(args[0]))
            self.looked.put_nowait(len(args[0]))
        return await super()._call(name, call, *args, **kwargs)


@pytest.fixture
def tap(app: App) -> Reading:
    """What the app's workers ask its store."""
    stores = app._client.stores
    found = Reading(stores._new_store())
    stores._new_store = lambda: cast("Store", found)

    @app.task
    async def task(given: Any = None) -> int:
        return 1 if given is None else 2

    @app.task(queue="nodes")
    async def node(given: Any = None) -> int:
        return 1 if given is None else 2

    return found


def fan(n: int, uses: str = "task") -> Graph:
    graph = Graph(f"fan-{n}")
    first = graph.node(uses, "first")
    graph.node(uses, "last", after=[graph.node(uses, f"n{i}", after=first) for i in range(n)])
    return graph


async def plan(app: App) -> None:
    """Look at what has ended, once."""
    await app.worker(burst=True, queues=["plans"]).run()


async def test_a_node_of_a_chain_is_one_look_and_one_start(app: App, tap: Reading) -> None:
    """The start is recorded in the same call. Beside these: two claims, and two outcomes that are settled."""
    graph = Graph("chain")
    for n in range(30):
        graph.node("task", f"n{n}", after=f"n{n - 1}" if n else ())
    run = await app.start(graph)
    await app.worker(burst=True).run()
    assert tap.read == [1] * 30
    assert {name: tap.calls[name] for name in PLANS} == {
        "get": 30,
        "steps": 0,
        "signals": 0,
        "record": 1,  # that the last one has ended
        "spawn": 30,
    }
    assert (await run.status()).state is State.SUCCEEDED


@pytest.mark.parametrize("width", [300, 3000])
async def test_a_fan_costs_calls_by_the_hundreds(app: App, tap: Reading, width: int) -> None:
    """All that has ended is read in as many calls as are needed, once, and recorded 500 at a time."""
    run = await app.start(fan(width, "node"), queue="plans")
    for _ in range(3):
        await plan(app)
        await app.worker(burst=True, queues=["nodes"], concurrency=100).run()
    await plan(app)
    assert sum(tap.read) == width + 2
    assert tap.calls["spawn"] == 2 + -(-width // 1000)
    assert tap.calls["record"] == -(-width // 500)
    assert tap.calls["steps"] <= 3  # once for each worker that had not planned it before
    assert (await run.status()).state is State.SUCCEEDED


async def test_a_look_reads_as_much_whatever_the_size_of_the_graph(app: App, tap: Reading) -> None:
    """Each run ends when the plan has looked for the one before: it is found among the few that were started first."""
    gates: list[asyncio.Semaphore] = []

    @app.task(queue="slow")
    async def slow(given: Any = None) -> None:
        await gates[-1].acquire()

    reads: list[list[int]] = []
    for width in (50, 1000):
        go_on = asyncio.Semaphore(0)  # one for each graph: what the last run of the other one left is not for this
        gates.append(go_on)
        run = await app.start(fan(width, "slow"), queue="plans")
        async with app.worker(queues=["plans"]), app.worker(queues=["slow"], concurrency=1):
            looks: list[int] = []
            for _ in range(6):
                go_on.release()
                async with asyncio.timeout(SOON):
                    looks.append(await tap.looked.get())
            reads.append(looks)
            await run.cancel()
            go_on.release()  # to the one that runs
    assert reads == [[1, 16, 16, 16, 16, 16]] * 2
