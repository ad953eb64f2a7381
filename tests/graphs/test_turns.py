"""Plans that are cut off and begun again, by one worker or several: nothing is done twice, and nothing is lost."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from penstock import App, LeaseLost, NodeContext, Retry, RunFailed, Snooze, State, inject
from penstock.core.answers import Recorded
from penstock.core.leases import Step
from penstock.engine.handler import Attempt
from penstock.models.graph.stored import TASK
from penstock.testing import Rehearsal

LONG = "60s"
BELOW = {"items", "batch[0]", "batch[1]", "batch[2]", "loop[1]/body", "loop[2]/body", "loop[3]/body", "end"}


def tasks_of(app: App) -> Counter[str]:
    """Register what the graph below needs; how often each node has run."""
    ran: Counter[str] = Counter()

    @app.task(retry=Retry(1))
    async def task(given: Any = None, *, node: NodeContext = inject()) -> Any:
        ran[node.key] += 1
        node.set(node.id, ran[node.key])
        if node.id == "fails":
            raise OSError("no route")
        return list(range(3)) if node.id == "items" else node.key

    graph = app.graph("all-of-it")
    start = graph.node(task, "start")
    graph.node(task, "ask-for", after=graph.wait("ask", after=start))
    graph.node(task, "late", after=graph.wait("never", timeout="1h", after=start), action="timeout")
    graph.node(task, "join", after=[graph.node(task, one, after=start) for one in ("b", "c", "d")])
    graph.node(task, "any", after=["b", "c"], join="any")
    graph.node(task, "rescued", after=graph.node(task, "fails", fallback=graph.node(task, "instead"), after=start))
    graph.batch(task, "batch", after=graph.node(task, "items", after=start), concurrency=2)
    body = graph.node(task, "body")
    graph.loop("loop", first=body, last=body, condition="turn < 3", after="items")
    graph.node(task, "end", after=graph.sleep("1h", after="loop"))
    return ran


async def play(stage: Rehearsal, app: App) -> tuple[dict[str, str], dict[str, Any], int]:
    """Start the graph and bring it to its end: how its nodes ended, its context, and its runs."""
    run = await app.start("all-of-it")
    await stage.advance("10m")
    await run.signal("ask", "here")
    await stage.advance("5h")
    result = await run.result(0)
    children = (await app.tree(run.id, per_node=100)).children
    return {one: node.status for one, node in result.nodes.items()}, result.context, len(children)


async def play_again(stage: Rehearsal, app: App) -> tuple[dict[str, str], dict[str, Any], int]:
    """The same; then bring the graph back to the middle, and on to its end."""
    await play(stage, app)
    (status,) = (await app.runs(task=TASK)).items
    run = app.graph_run(status.id)
    await app.reconcile()
    await run.rerun("items")
    await stage.advance("5h")
    result = await run.result(0)
    children = (await app.tree(run.id, per_node=100)).children
    return {one: node.status for one, node in result.nodes.items()}, result.context, len(children)


@pytest.mark.parametrize("play", [play, play_again], ids=["once", "brought back"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_plan_that_is_cut_off_at_any_call_is_begun_again_and_does_nothing_twice(
    when: str,
    play: Callable[[Rehearsal, App], Awaitable[tuple[dict[str, str], dict[str, Any], int]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S0-45, S0-46, S0-50: the worker is lost before, or after, each record and each spawn of the plan in turn.

    S0-86: also if the graph is brought back.
    """
    calls = cut_at = 0

    def cut(verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def called(self: Attempt, *args: Any, **named: Any) -> Any:
            nonlocal calls
            if self.claim.task != TASK:
                return await verb(self, *args, **named)
            calls += 1
            mine = calls == cut_at
            if mine and when == "before":
                raise LeaseLost(self.claim.run_id)
            answer = await verb(self, *args, **named)
            if mine:
                raise LeaseLost(self.claim.run_id)
            return answer

        return called

    monkeypatch.setattr(Attempt, "record", cut(Attempt.record))
    monkeypatch.setattr(Attempt, "spawn", cut(Attempt.spawn))
    expected: Any = None
    while cut_at <= calls:
        calls = 0
        app = App("memory://")
        ran = tasks_of(app)
        async with app.testing(concurrency=3) as stage:
            ended = await play(stage, app)
            assert await stage.check() == []
        expected = expected or (ended, ran)
        assert (cut_at, ended, ran) == (cut_at, *expected)
        below = {one for one, times in ran.items() if times > 1}
        assert (cut_at, below <= BELOW, max(ran.values()) <= 2) == (cut_at, True, True)
        cut_at += 1
    assert cut_at > 15


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_plan_that_is_cut_off_when_it_has_failed_fails_and_can_be_redriven(
    app: App, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """The worker is lost before, or after, it has recorded the end by which the graph fails."""
    broken, cut = [True], [0]
    record = Attempt.record

    async def recorded(self: Attempt, step: Step, **named: Any) -> Recorded:
        if step.child_id is None or self.claim.task != TASK:
            return await record(self, step, **named)
        cut[0] += 1
        if when == "before" and cut[0] == 1:
            raise Snooze(0)
        answer = await record(self, step, **named)
        if when == "after" and cut[0] == 1:
            raise Snooze(0)
        return answer

    monkeypatch.setattr(Attempt, "record", recorded)

    @app.task(retry=Retry(1))
    async def shaky() -> str:
        if broken[0]:
            raise OSError("no route")
        return "mended"

    @app.task
    async def beside() -> str:
        return "beside"

    graph = app.graph("cut")
    graph.node(shaky)
    graph.node(beside, after=graph.sleep("1h"))
    run = await app.start(graph)
    await app.worker(burst=True).run()
    with pytest.raises(RunFailed, match="no route"):
        await run.result(LONG)
    assert cut[0] >= 1
    broken[0] = False
    await app.reconcile()
    await run.redrive()
    await app.worker(burst=True).run()
    assert (await run.nodes())["shaky"].status == "succeeded"
    assert await run.cancel()


async def test_many_ends_on_two_workers_are_joined_once(app: App) -> None:
    """S0-28, S0-29: 60 runs, two workers that plan in turns."""
    joined: list[int] = []

    @app.task
    async def one(*, node: NodeContext = inject()) -> int:
        return int(node.id[1:])

    @app.task
    async def join(given: dict[str, int]) -> int:
        joined.append(len(given))
        return sum(given.values())

    graph = app.graph("fan")
    start = graph.node(one, "n0")
    firsts = [graph.node(one, f"n{n}", after=start) for n in range(1, 61)]
    seconds = [graph.node(one, f"m{n}", after=first) for n, first in enumerate(firsts[:20])]
    graph.node(join, after=[*seconds, *firsts[20:]])
    async with app.worker(concurrency=7), app.worker(concurrency=7):
        result = await (await app.start(graph)).result(LONG)
    assert joined == [60]
    assert result.output == sum(range(20)) + sum(range(21, 61))


async def test_a_node_run_that_is_removed_fails_its_node_and_is_not_started_again(app: App) -> None:
    """Whoever goes on, without having seen it started, knows from the record that it was."""

    @app.task
    async def one() -> None: ...

    graph = app.graph("removed")
    graph.node(one)
    graph.wait("ask")
    run = await app.start(graph, queue="plans")
    await app.worker(burst=True, queues=["plans"]).run()
    (child,) = (await app.tree(run.id)).children
    await app.run(child.run.id).remove()
    await app.worker(burst=True, queues=["plans"]).run()
    with pytest.raises(RunFailed, match=r"node one: .*is gone"):
        await run.result(LONG)


async def test_a_cancelled_node_fails_the_graph_and_a_redrive_begins_it_again(app: App) -> None:
    ran: list[str] = []

    @app.task
    async def one(*, node: NodeContext = inject()) -> str:
        ran.append(node.id)
        return node.id

    graph = app.graph("twice")
    graph.node(one, "a")
    graph.node(one, "b", after="a")
    graph.node(one, "c")
    run = await app.start(graph, queue="plans")
    await app.worker(burst=True, queues=["plans"]).run()
    a, _ = (await app.tree(run.id)).children
    await app.run(a.run.id).cancel("not this one")
    await app.worker(burst=True, queues=["plans"]).run()
    await app.reconcile()  # "c", which was queued, goes with the graph
    assert (await run.status()).state is State.FAILED
    await run.redrive()
    await app.worker(burst=True, queues=["plans", "default"]).run()
    result = await run.result(LONG)
    assert result.outputs == {"a": "a", "b": "b", "c": "c"}
    assert sorted(ran) == ["a", "b", "c"]
