"""What has happened in a graph run, told again from what it has recorded; and how it stood then."""

from typing import Any

import pytest

from penstock import (
    App,
    GraphEvent,
    GraphRun,
    Invalid,
    NodeContext,
    NodeOutcome,
    NotFound,
    Retry,
    RunCancelled,
    RunFailed,
    State,
    inject,
)

LONG = "60s"


async def work(app: App) -> None:
    """Carry out all that is ready."""
    await app.worker(burst=True, concurrency=5).run()


def graph_of_all(app: App) -> None:
    """A graph with branches, a join, a loop, a batch, a fallback, a wait and a sleep, whose nodes write."""

    @app.task(retry=Retry(1))
    async def task(given: Any = None, *, node: NodeContext = inject()) -> Any:
        node.set("last", node.key)
        node.set(node.id, node.get(node.id, 0) + 1)
        if node.id == "tidy":
            node.delete("start")
        if node.id == "fails":
            raise OSError("no route")
        if node.id == "chooses":
            return NodeOutcome("chosen", "left")
        return [1, 2] if node.id == "items" else node.key

    graph = app.graph("all-of-it")
    start = graph.node(task, "start")
    chooses = graph.node(task, "chooses", after=start)
    graph.node(task, "left", after=chooses, action="left")
    graph.node(task, "right", after=chooses, action="right")
    graph.node(task, "asked", after=graph.wait("ask", timeout="1h", after=start))
    graph.node(task, "rescued", after=graph.node(task, "fails", fallback=graph.node(task, "instead"), after=start))
    graph.batch(task, "batch", after=graph.node(task, "items", after=start), concurrency=1)
    body = graph.node(task, "body")
    graph.loop("loop", first=body, last=body, condition="turn < 2", after="items")
    graph.node(task, "tidy", after=["left", "right", "rescued", "batch", graph.sleep(0, "nap", after="loop")])


def folded(events: list[GraphEvent]) -> dict[str, Any]:
    """The context, from the changes that the events tell."""
    context: dict[str, Any] = {}
    for event in events:
        for write in event.changes:
            if write.op == "set":
                context[write.key] = write.value
            else:
                del context[write.key]
    return context


async def numbers(run: GraphRun) -> list[GraphEvent]:
    """The events of the run, of which the numbers, the run's id and the moments are as they should be."""
    events = await run.events()
    assert [one.seq for one in events] == list(range(1, len(events) + 1))
    assert {one.run_id for one in events} == {run.id}
    moments = [one.at for one in events]
    assert moments == sorted(moments)
    assert moments[0] > 1_000_000_000
    return events


async def test_events_give_the_context_and_the_status_of_the_run(app: App) -> None:
    """S0-82."""
    graph_of_all(app)
    run = await app.start("all-of-it", context={"start": 5, "kept": None}, input="hello")
    await work(app)
    waiting = await numbers(run)
    assert folded(waiting) == await run.context()
    assert waiting[0].kind == "graph.started"
    assert waiting[0].data == "hello"
    await run.signal("ask", {"by": "her"})
    await work(app)
    events = await numbers(run)
    result = await run.result(LONG)
    assert events[: len(waiting)] == waiting  # what was told once stays as it was
    assert folded(events) == result.context == await run.context()
    assert "start" not in result.context
    assert (events[-1].kind, sum(one.kind.startswith("graph.") for one in events)) == ("graph.succeeded", 2)
    finished = {one.key: one.data for one in events if one.kind == "node.finished"}
    assert finished["loop[2]/body"] == "loop[2]/body"
    assert finished["batch[1]"] == "batch[1]"
    (failed,) = (one for one in events if one.kind == "node.failed")
    assert failed.error is not None
    assert (failed.node, failed.error.type, failed.error.message) == ("fails", "OSError", "no route")
    (chosen,) = (one for one in events if one.action is not None)
    assert (chosen.node, chosen.action) == ("chooses", "left")
    (signalled,) = (one for one in events if one.kind == "node.signalled")
    assert (signalled.node, signalled.data) == ("ask", {"by": "her"})
    skipped = {one.node for one in events if one.kind == "node.skipped"}
    assert skipped == {name for name, node in result.nodes.items() if node.status == "skipped"} == {"right"}
    kinds = {one.node: one.kind for one in events if one.kind in {"node.waiting", "node.sleeping"}}
    assert kinds == {"ask": "node.waiting", "nap": "node.sleeping"}
    started = {one.key: one.node_run for one in events if one.kind == "node.started"}
    assert await app.run(started["left"] or "").result(LONG) == "left"


async def test_events_come_in_pages(app: App) -> None:
    graph_of_all(app)
    run = await app.start("all-of-it")
    await work(app)
    events = await run.events()
    pages = [await run.events(after=after, limit=3) for after in range(0, len(events), 3)]
    assert [one for page in pages for one in page] == events
    assert await run.events(after=len(events)) == []
    with pytest.raises(Invalid, match="after"):
        await run.events(after=-1)
    with pytest.raises(Invalid, match="limit"):
        await run.events(limit=0)


async def test_a_run_is_told_again_up_to_any_event(app: App) -> None:
    """S0-82: replay to any point."""
    graph_of_all(app)
    run = await app.start("all-of-it", context={"start": 5})
    await run.signal("ask", 1)
    await work(app)
    events, result = await run.events(), await run.result(LONG)
    for event in events:
        moment = await run.moment(event.seq)
        assert (moment.seq, moment.at) == (event.seq, event.at)
        upto = [one for one in events if one.seq <= event.seq]
        assert moment.context == folded(upto)
        finished = {one.node for one in upto if one.kind == "node.finished" and one.node == one.key}
        assert {one for one in finished if moment.nodes[one or ""].status != "succeeded"} == set()
        assert {one for one in finished if one not in moment.outputs} == set()
        assert moment.status == ("running" if event.seq < len(events) else "succeeded")
    first, last = await run.moment(1), await run.moment(len(events))
    assert first.nodes["start"].status == "running"
    assert {one.status for name, one in first.nodes.items() if name != "start"} == {"pending"}
    assert (last.context, last.outputs, last.nodes) == (result.context, result.outputs, result.nodes)
    with pytest.raises(Invalid, match=f"from 1 to {len(events)}"):
        await run.moment(len(events) + 1)


async def test_how_a_run_ended_is_what_its_record_says(app: App) -> None:
    """S0-82: true status, of runs that fail, that are cancelled, and that are redriven."""
    broken = [True]

    @app.task(retry=Retry(1))
    async def shaky() -> str:
        if broken[0]:
            raise OSError("no route")
        return "mended"

    graph = app.graph("ends")
    graph.node(shaky)
    graph.wait("ask")
    run = await app.start(graph)
    await work(app)
    with pytest.raises(RunFailed):
        await run.result(LONG)
    end = (await numbers(run))[-1]
    assert end.kind == "graph.failed"
    assert end.error is not None
    assert end.error.message == "node shaky: no route"
    assert [one.key for one in await run.events() if one.kind == "node.cancelled"] == ["ask"]
    broken[0] = False
    await app.reconcile()
    await run.redrive()
    await work(app)
    assert "graph.failed" not in {one.kind for one in await numbers(run)}
    assert (await run.moment(len(await run.events()))).status == "running"
    await run.cancel("enough")
    with pytest.raises(RunCancelled):
        await run.result(LONG)
    end = (await numbers(run))[-1]
    assert (end.kind, end.data, (await run.moment(end.seq)).status) == ("graph.cancelled", "enough", "cancelled")


async def test_only_runs_of_graphs_have_events(app: App) -> None:
    @app.task
    async def plain() -> None: ...

    run = await plain.enqueue()
    with pytest.raises(Invalid, match="not of task plain"):
        await app.graph_run(run.id).events()
    with pytest.raises(NotFound):
        await app.graph_run("nobody").nodes()
    graph = app.graph("one")
    graph.node(plain)
    started = await app.start(graph)
    assert (await started.status()).state is State.QUEUED
    assert await app.graph_run(started.id).events() == []  # nobody has planned it yet
    assert (await started.moment()).seq == 0
    assert (await started.moment()).nodes["plain"].status == "pending"
    with pytest.raises(Invalid, match="once there are events"):
        await started.moment(1)
