"""Many children awaited together: their parent is woken when it is worth it, and not by each."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from functools import partial

import penstock
from penstock import App, AsyncTask, Retry, RunFailed
from penstock.core.run import Run
from penstock.core.wake import Wake
from tests.workflows.support import Stage

CHILDREN = 400
GOING = 100
QUARTER = 25
NUMBERS = itertools.count()


async def claims_of(app: App, run_id: str) -> int:
    """How often the run has been claimed."""
    (run,) = await (await app._client.store()).get([run_id])
    assert run is not None
    return run.claims


async def test_a_parent_is_not_woken_by_each_child(app: App) -> None:
    """At most once for each quarter of those that go, and once in the end; what the children return is in order."""

    @app.task
    async def label(n: int) -> int:
        return n * 2

    @app.workflow
    async def flow() -> list[int]:
        return await penstock.map(label, range(CHILDREN), concurrency=GOING)

    async with app.worker(concurrency=10):
        run = await flow.enqueue()
        assert await run.result(timeout="2m") == [n * 2 for n in range(CHILDREN)]
    assert await claims_of(app, run.id) <= 2 + CHILDREN // QUARTER


async def test_a_thousand_children_at_once_wake_it_once(stage: Stage) -> None:
    @stage.app.task
    async def label(n: int) -> int:
        return n

    @stage.app.workflow
    async def flow() -> int:
        return sum(await penstock.map(label, range(1_000), concurrency=1_000))

    run = await flow.enqueue()
    assert await run.result() == 499_500
    assert await claims_of(stage.app, run.id) == 2


async def wake_of_map(stage: Stage, function: Callable[[int], Awaitable[int]], items: int, concurrency: int) -> Wake:
    """What a workflow waits for that maps the function."""

    @stage.app.workflow(name=f"outer-{items}-{next(NUMBERS)}")
    async def outer() -> None:
        await penstock.map(function, range(items), concurrency=concurrency)

    run = await outer.enqueue()
    await stage.play.drain()
    stored: Run | None
    (stored,) = await stage.store.get([run.id])
    await run.cancel()
    assert stored is not None
    assert stored.wake is not None
    return stored.wake


def later(stage: Stage) -> AsyncTask[[int], int]:
    """A task whose runs are due some other day."""

    @stage.app.task
    async def label(n: int) -> int:
        return n

    return label.opts(delay="9d")


async def test_what_is_more_than_a_child_is_woken_by_each(stage: Stage) -> None:
    """Code that goes on after its child may be what another child waits for: it is never kept waiting."""

    label = later(stage)

    async def more(n: int) -> int:
        return await label(n) + 1

    def first(n: int) -> Awaitable[int]:
        async def either() -> int:
            await penstock.wait_any(one, two)
            return n

        one, two = label(n), label(n + 100)
        return either()

    assert [n for _, n in (await wake_of_map(stage, more, 3, 3)).of] == [1, 1, 1]
    assert [n for _, n in (await wake_of_map(stage, first, 2, 2)).of] == [1, 1, 1, 1]


async def test_a_child_is_counted_however_it_is_called(stage: Stage) -> None:
    """By its task, by `penstock.call`, by a function that returns the call; the end is one wake for all."""

    label = later(stage)

    def plainly(n: int) -> Awaitable[int]:
        return label(n)

    functions: list[Callable[[int], Awaitable[int]]] = [label, partial(penstock.call, label), plainly]
    for function in functions:
        ((ids, n),) = (await wake_of_map(stage, function, 20, 8)).of
        assert (len(ids), n) == (8, 2)
        ((ids, n),) = (await wake_of_map(stage, function, 5, 8)).of
        assert (len(ids), n) == (5, 5)


async def test_a_child_that_fails_wakes_its_parent_at_once(stage: Stage) -> None:
    """The others are not waited for: they are cancelled."""

    @stage.app.task(retry=Retry(1))
    async def label(n: int) -> int:
        if n == 3:
            raise OSError("no paper")
        return n

    @stage.app.workflow
    async def flow() -> str:
        def some(n: int) -> Awaitable[int]:
            return label(n) if n == 3 else label.opts(delay="9d")(n)

        try:
            await penstock.map(some, range(6))
        except RunFailed as error:
            return error.message
        return "?"

    run = await flow.enqueue()
    assert await run.result() == "no paper"


async def test_maps_side_by_side_are_waited_for_apart(stage: Stage) -> None:
    """Each wakes the run when it is worth it; beside a signal, too."""
    stop = penstock.Signal("stop", str)

    @stage.app.task
    async def label(n: int) -> int:
        return n

    @stage.app.workflow
    async def flow() -> list[object]:
        few, some, said = await asyncio.gather(
            penstock.map(label, range(4)), penstock.map(label, range(9), concurrency=2), penstock.wait(stop)
        )
        return [few, some, said]

    run = await flow.enqueue()
    await stage.play.drain()
    await run.signal(stop, "now")
    assert await run.result() == [list(range(4)), list(range(9)), "now"]


async def test_a_crash_among_them_changes_nothing(stage: Stage) -> None:
    @stage.app.task
    async def label(n: int) -> int:
        return n + 1

    @stage.app.workflow(crashes=100)
    async def flow(items: int) -> list[int]:
        return await penstock.map(label, range(items), concurrency=4)

    assert await stage.play.check_crashes(flow.call(10)) == 10


async def test_a_gather_of_children_wakes_their_parent_once(app: App) -> None:
    """`asyncio.gather` does not say that it waits for all: there each child may be what code goes on after."""

    @app.task
    async def label(n: int) -> int:
        return n * 2

    @app.workflow
    async def flow() -> list[int]:
        return list(await penstock.gather(*(label(n) for n in range(20))))

    async with app.worker(concurrency=10):
        run = await flow.enqueue()
        assert await run.result(timeout="2m") == [n * 2 for n in range(20)]
    assert await claims_of(app, run.id) == 2


async def test_only_calls_of_children_that_a_gather_is_given_count_together(stage: Stage) -> None:
    """Code around a call goes on after it, a task from before may be awaited by others: each wakes the run."""
    label = later(stage)

    async def more(n: int) -> int:
        return await label(n) + 1

    @stage.app.workflow
    async def flow() -> None:
        task = asyncio.create_task(label(5))
        inner = penstock.gather(label(3), label(4))
        await penstock.gather(label(1), label(2), more(6), task, inner, penstock.sleep("8d"))

    run = await flow.enqueue()
    await stage.play.drain()
    (stored,) = await stage.store.get([run.id])
    assert stored is not None
    assert stored.wake is not None
    assert sorted((len(ids), n) for ids, n in stored.wake.of) == [(1, 1), (1, 1), (2, 2), (2, 2)]


async def test_a_child_that_fails_ends_a_gather_at_once(stage: Stage) -> None:
    """The others are cancelled; one that an item of a map gathers is waited for there."""
    late = later(stage)

    @stage.app.task(retry=Retry(1))
    async def torn() -> int:
        raise OSError("no paper")

    @stage.app.workflow
    async def flow() -> str:
        async def two(n: int) -> int:
            return sum(await penstock.gather(late(n), torn()))

        try:
            await penstock.map(two, range(2))
        except RunFailed as error:
            return error.message
        return "?"

    run = await flow.enqueue()
    assert await run.result() == "no paper"


async def test_a_crash_among_gathered_children_changes_nothing(stage: Stage) -> None:
    @stage.app.task
    async def label(n: int) -> int:
        return n + 1

    @stage.app.workflow(crashes=100)
    async def flow() -> list[int]:
        both = await penstock.gather(label(1), label(2), penstock.step("three", abs, -3))
        return [*both, await label(sum(both))]

    assert await stage.play.check_crashes(flow.call()) == 4
