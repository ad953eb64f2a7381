"""The front for code without a loop: the same verbs, one implementation."""

import asyncio
import inspect
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from penstock import App, Blocking, InvalidInput, ResultTimeout, Run, RunFailed, Task
from penstock.app.graph_runs import GraphRun, SyncGraphRun
from penstock.app.graphs import Graphs
from penstock.app.graphs_sync import SyncGraphs
from penstock.sync import SyncApp, SyncRun, SyncTask


@pytest.fixture
def blocking_app(url: str) -> Iterator[App]:
    """An app with a worker in a thread that has a loop of its own."""
    app = App(url)
    ready, over = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        async with app.worker():
            loops.append(asyncio.get_running_loop())
            ready.set()
            await over.wait()
        await app.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    assert ready.wait(20)
    yield app
    loops[0].call_soon_threadsafe(over.set)
    thread.join(20)
    assert not thread.is_alive()


def test_the_same_verbs_block_until_they_are_done(blocking_app: App) -> None:
    app = blocking_app

    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    run = add.sync.enqueue(1, 2)
    assert run.created
    assert run.result(timeout=20) == 3
    assert run.status().state == "succeeded"
    many = app.sync.enqueue_many([add.call(n, n) for n in range(3)])
    assert [one.result(timeout=20) for one in many] == [0, 2, 4]
    assert app.sync.run(run.id).result(timeout=20) == 3
    assert sum(one.n for one in app.sync.counts()) == 4
    assert app.sync.enqueue("add", 1, b=1).result(timeout=20) == 2
    with pytest.raises(InvalidInput):
        add.sync.enqueue("x", 2)  # type: ignore[arg-type]


def test_graphs_are_started_and_read_without_a_loop(blocking_app: App) -> None:
    app = blocking_app

    @app.task
    async def double(n: int) -> int:
        return 2 * n

    graph = app.graph("doubles")
    graph.node(double, "again", after=graph.node(double))
    run = app.sync.start(graph, input=2, context={"tenant": "a"})
    assert run.result(timeout=20).output == 8
    assert run.context() == {"tenant": "a"}
    assert run.nodes()["again"].status == "succeeded"
    assert app.sync.graph_run(run.id).events()[-1].kind == "graph.succeeded"
    assert run.moment(1).outputs == {}
    app.sync.reconcile()
    run.rerun("again", input=5)
    assert run.result(timeout=20).output == 10
    app.sync.reconcile()
    run.rollback("again")
    assert run.result(timeout=20).output == 10


def test_what_is_raised_there_is_raised_here(blocking_app: App) -> None:
    app = blocking_app

    @app.task
    async def never() -> None: ...

    run = never.opts(delay="1h").sync.enqueue()
    with pytest.raises(ResultTimeout):
        run.result(timeout="5ms")
    why = run.why()
    assert why is not None
    assert why.reason == "due"
    assert run.cancel("enough")
    with pytest.raises(RunFailed, match="enough"):
        run.result()
    run.redrive()
    app.sync.pause(queue="default")
    run.promote() if run.status().state == "scheduled" else None
    assert app.sync.drain("default", delayed=True) <= 1
    app.sync.resume(queue="default")


async def test_where_a_loop_runs_they_are_refused(app: App) -> None:
    @app.task
    async def task() -> None: ...

    for call in (task.sync.enqueue, app.sync.counts, app.run("x").sync.status):
        with pytest.raises(Blocking, match="without"):
            call()
    assert (await app.runs()).items == ()


def test_a_forked_child_has_a_thread_of_its_own() -> None:
    app = App("memory://")

    @app.task
    async def task() -> None: ...

    task.sync.enqueue()
    portal = app._client.portal
    before = portal._thread
    portal._pid = app._client.stores._pid = os.getpid() - 1  # as a fork leaves it
    assert task.sync.enqueue().created
    assert portal._thread is not before
    if before is not None and portal._thread is not None:
        assert before.is_alive()
    portal.close()
    portal.close()
    assert task.sync.enqueue().created
    portal.close()


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(function).parameters.values()
    return [(one.name, one.kind, one.default) for one in found if one.name != "self"]


@pytest.mark.parametrize(
    ("front", "behind"),
    [(SyncApp, App), (SyncGraphs, Graphs), (SyncRun, Run), (SyncGraphRun, GraphRun), (SyncTask, Task)],
    ids=lambda kind: kind.__name__,
)
def test_the_front_takes_what_the_async_verbs_take(front: type[Any], behind: type[Any]) -> None:
    verbs = [name for name, member in vars(front).items() if not name.startswith("_") and inspect.isfunction(member)]
    assert verbs
    assert {name: parameters(getattr(front, name)) for name in verbs} == {
        name: parameters(getattr(behind, name)) for name in verbs
    }
    assert [name for name in verbs if inspect.iscoroutinefunction(getattr(front, name))] == []


def test_every_verb_of_a_run_has_its_blocking_twin() -> None:
    missing = [
        name
        for kind, twin in ((Run, SyncRun), (GraphRun, SyncGraphRun))
        for name, member in vars(kind).items()
        if inspect.iscoroutinefunction(member) and not name.startswith("_") and not hasattr(twin, name)
    ]
    assert missing == []
