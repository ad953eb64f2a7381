"""Graph runs that are brought back: to a node, or on from one with other input."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from penstock import (
    App,
    GraphRun,
    Invalid,
    InvalidInput,
    NodeContext,
    Retry,
    RunFailed,
    State,
    WrongState,
    inject,
)

LONG = "60s"


async def work(app: App) -> None:
    """Carry out all that is ready, and clear up behind what has ended, as upkeep does."""
    await app.worker(burst=True, concurrency=5).run()
    await app.reconcile()


class Tasks:
    """What the graph below needs; how often each node has run, and what it was given last."""

    def __init__(self, app: App) -> None:
        self.ran: Counter[str] = Counter()
        self.given: dict[str, Any] = {}
        self.broken: set[str] = set()

        @app.task(retry=Retry(1))
        async def task(given: Any = None, *, node: NodeContext = inject()) -> Any:
            self.ran[node.id] += 1
            self.given[node.id] = given
            node.set(node.id, self.ran[node.id])
            if node.id in self.broken:
                raise OSError("no route")
            return node.id if given is None else f"{given}>{node.id}"

        graph = app.graph("line")
        a = graph.node(task, "a")
        b = graph.node(task, "b", after=a)
        c = graph.node(task, "c", after=b)
        beside = graph.node(task, "beside", after=a)
        graph.node(task, "d", after=[c, beside], inputs="c")


async def ids(app: App, run: GraphRun) -> dict[str, str]:
    """The latest run of each node."""
    return {one.node or "": one.node_run or "" for one in await run.events() if one.node_run is not None}


async def test_a_rerun_runs_what_is_below_the_node_and_nothing_above_or_beside_it(app: App) -> None:
    """S0-86: with other input; the history number rises, ids below are new."""
    tasks = Tasks(app)
    run = await app.start("line", context={"kept": True})
    await work(app)
    assert (await run.result(LONG)).output == "a>b>c>d"
    before = await ids(app, run)
    await run.rerun("b", input="other")
    assert (await run.status()).state is State.QUEUED
    await work(app)
    result = await run.result(LONG)
    assert result.output == "other>b>c>d"
    assert tasks.ran == {"a": 1, "beside": 1, "b": 2, "c": 2, "d": 2}
    assert result.context == {"kept": True, "a": 1, "beside": 1, "b": 2, "c": 2, "d": 2}
    after = await ids(app, run)
    assert {node for node in before if before[node] != after[node]} == {"b", "c", "d"}
    assert await app.run(before["b"]).result(LONG) == "a>b"  # the first one stands as it was
    await run.rerun("b")  # without: what comes along the edge
    await work(app)
    assert (await run.result(LONG)).output == "a>b>c>d"
    assert tasks.ran == {"a": 1, "beside": 1, "b": 3, "c": 3, "d": 3}


async def test_a_rollback_takes_back_all_that_came_later(app: App) -> None:
    tasks = Tasks(app)
    run = await app.start("line")
    await work(app)
    first = (await run.result(LONG)).output
    await run.rollback("b")
    await work(app)
    assert (await run.result(LONG)).output == first
    assert (tasks.ran["a"], tasks.ran["b"], tasks.ran["c"], tasks.ran["d"]) == (1, 2, 2, 2)
    await run.rollback("a")
    await work(app)
    assert (await run.result(LONG)).output == first
    assert tasks.ran["a"] == 2


async def test_a_failed_graph_is_brought_back_and_its_events_are_kept(app: App) -> None:
    """S0-82: numbers only grow over a rerun, and the events still give the context."""
    tasks = Tasks(app)
    tasks.broken = {"c"}
    run = await app.start("line")
    await work(app)
    with pytest.raises(RunFailed):
        await run.result(LONG)
    told = await run.events()
    await app.reconcile()
    await run.rerun("b", input="mended")
    await work(app)
    with pytest.raises(RunFailed):
        await run.result(LONG)
    tasks.broken = set()
    await run.redrive()  # an ordinary one: on from what has failed
    await work(app)
    result = await run.result(LONG)
    assert result.output == "mended>b>c>d"
    assert (tasks.ran["a"], tasks.ran["b"], tasks.ran["c"]) == (1, 2, 3)
    events = await run.events()
    assert events[: len(told)] == told
    assert [one.seq for one in events] == list(range(1, len(events) + 1))
    (rerun,) = (one for one in events if one.kind == "graph.rerun")
    assert (rerun.node, rerun.data, rerun.seq) == ("b", "mended", len(told) + 1)
    context: dict[str, Any] = {}
    for event in events:
        for write in event.changes:
            context.pop(write.key, None) if write.op == "delete" else context.update({write.key: write.value})
        assert (await run.moment(event.seq)).context == context
    assert context == result.context == await run.context()
    assert ("delete", "b") in {(one.op, one.key) for one in rerun.changes}


async def test_a_node_beside_that_had_not_ended_runs_again(app: App) -> None:
    tasks = Tasks(app)
    tasks.broken = {"beside"}
    run = await app.start("line")
    await work(app)
    with pytest.raises(RunFailed):
        await run.result(LONG)
    tasks.broken = set()
    await run.rerun("a")
    await work(app)
    assert (await run.result(LONG)).output == "a>b>c>d"
    tasks.broken = {"d"}
    await run.rerun("d")
    await work(app)
    tasks.broken = set()
    ran = Counter(tasks.ran)
    await run.rerun("c")
    await work(app)
    assert (await run.result(LONG)).output == "a>b>c>d"
    assert tasks.ran - ran == {"c": 1, "d": 1}


async def test_a_wait_that_is_run_again_waits_for_another_message(app: App) -> None:
    @app.task
    async def take(data: Any) -> Any:
        return data

    graph = app.graph("waits")
    graph.node(take, "after", after=graph.wait("ask", after=graph.node(take, "before")))
    graph.wait("other")
    run = await app.start(graph)
    await run.signal("ask", "first")
    await run.signal("other", "kept")
    await work(app)
    assert (await run.result(LONG)).outputs["after"] == "first"
    await run.rerun("ask")
    await work(app)
    assert (await run.status()).state is State.WAITING
    assert {name: one.status for name, one in (await run.nodes()).items()} == {
        "before": "succeeded",
        "ask": "running",
        "after": "pending",
        "other": "succeeded",
    }
    await run.signal("ask", "second")
    await work(app)
    assert (await run.result(LONG)).outputs == {"before": None, "ask": "second", "after": "second", "other": "kept"}


async def test_loops_batches_and_cancelled_runs_are_run_again(app: App) -> None:
    ran: Counter[str] = Counter()

    @app.task
    async def task(given: Any = None, *, node: NodeContext = inject()) -> Any:
        ran[node.key] += 1
        return [1, 2] if node.id == "items" else (given or 0) + 1

    graph = app.graph("turns")
    body = graph.node(task, "body")
    loop = graph.loop("loop", first=body, last=body, condition="turn < 2")
    graph.batch(task, "batch", after=graph.node(task, "items", after=loop))
    graph.wait("never", after="batch")
    run = await app.start(graph)
    await work(app)
    await run.cancel("enough")
    await app.reconcile()
    await run.rerun("batch", input=[5, 6, 7])
    await work(app)
    outputs = (await run.moment((await run.events())[-1].seq)).outputs
    assert [one["output"] for one in outputs["batch"]] == [6, 7, 8]
    assert (ran["loop[1]/body"], ran["items"], ran["batch[0]"], ran["batch[2]"]) == (1, 1, 2, 1)
    await run.cancel("again")
    await app.reconcile()
    await run.rerun("body")
    await work(app)
    assert (ran["loop[1]/body"], ran["loop[2]/body"], ran["items"], ran["batch[0]"]) == (2, 2, 2, 3)
    await run.signal("never")
    await work(app)
    assert (await run.result(LONG)).outputs["loop"] == 2


async def test_what_can_not_be_brought_back_is_refused_and_stays(app: App) -> None:
    tasks = Tasks(app)
    graph = app.graph("chooses")
    graph.node("task", "right", after=graph.node("task", "first"), action="no such action")
    run = await app.start(graph)
    with pytest.raises(WrongState, match="has not ended"):
        await run.rerun("first")
    await work(app)
    await run.result(LONG)
    with pytest.raises(Invalid, match="a node of the graph: "):
        await run.rerun("nobody")
    with pytest.raises(Invalid, match="never was"):
        await run.rollback("right")
    with pytest.raises(InvalidInput):
        await run.rerun("first", input=float("nan"))
    assert (await run.status()).state is State.SUCCEEDED
    assert tasks.ran == {"first": 1}
    stale = app.graph_run(run.id)
    await run.rerun("first")
    with pytest.raises(WrongState, match="has not ended"):
        await stale.rerun("first", input=2)


async def test_of_two_who_bring_a_run_back_at_once_one_is_told_so(app: App) -> None:
    tasks = Tasks(app)
    run = await app.start("line")
    await work(app)
    ends = await asyncio.gather(
        run.rerun("d", input=1), app.graph_run(run.id).rerun("d", input=2), return_exceptions=True
    )
    assert [type(one) for one in ends if one is not None] == [WrongState]
    await work(app)
    assert (await run.result(LONG)).output == f"{1 + ends.index(None)}>d"
    assert tasks.ran["d"] == 2


async def test_a_large_graph_and_another_worker_in_every_turn(app: App) -> None:
    """The blueprint stands in the mailbox, and nobody remembers what the last worker has planned."""
    tasks = Tasks(app)
    run = await app.start("line", context={"large": "x" * 100_000})
    await work(app)
    await run.result(LONG)
    await run.rerun("b", input="other")
    for _ in range(4):
        await app.worker(burst=True, concurrency=1).run()
    assert (await run.result(LONG)).output == "other>b>c>d"
    assert tasks.ran == {"a": 1, "beside": 1, "b": 2, "c": 2, "d": 2}
