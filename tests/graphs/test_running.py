"""Graphs that run: on every backend, with real workers."""

import asyncio
from typing import Any

import pytest

from penstock import (
    App,
    GraphContext,
    Invalid,
    InvalidBlueprint,
    Never,
    NodeContext,
    NodeOutcome,
    NotFound,
    Retry,
    RunCancelled,
    RunFailed,
    State,
    inject,
)
from penstock.testing import Rehearsal

LONG = "60s"


async def work(app: App) -> None:
    """Carry out all that is ready."""
    await app.worker(burst=True, concurrency=5).run()


async def test_a_graph_branches_by_actions_and_conditions_and_ends_with_what_its_nodes_gave(app: App) -> None:
    """S0-13, S0-18, S0-21, S0-67."""

    @app.task
    async def fetch(post: str, *, node: NodeContext = inject()) -> dict[str, Any]:
        node.set("seen", [*node.get("seen", []), post])
        return {"text": post, "score": 0.9}

    @app.task
    def classify(post: dict[str, Any]) -> NodeOutcome:
        return NodeOutcome(post["score"], "bad")

    @app.task
    def reject(text: str, *, node: NodeContext = inject()) -> None:
        assert isinstance(node, GraphContext)
        node.set("rejected", text)

    @app.task
    def publish(text: str) -> str:
        return text

    graph = app.graph("moderate")
    first = graph.node(fetch)
    second = graph.node(classify, after=first)
    graph.node(reject, after=second, action="bad", transform="outputs.fetch.text")
    graph.node(publish, after=second)
    run = await app.start(graph, input="hello", context={"seen": ["nothing"]})
    await work(app)
    result = await run.result(LONG)
    assert result.outputs == {"fetch": {"text": "hello", "score": 0.9}, "classify": 0.9, "reject": None}
    assert result.context == {"seen": ["nothing", "hello"], "rejected": "hello"}
    assert {one: node.status for one, node in result.nodes.items()} == {
        "fetch": "succeeded",
        "classify": "succeeded",
        "reject": "succeeded",
        "publish": "skipped",
    }
    assert await run.context() == result.context
    assert await run.nodes() == result.nodes


async def test_a_diamond_joins_once_and_starts_side_by_side(app: App) -> None:
    """S0-02, S0-03, S0-65."""
    joined: list[dict[str, int]] = []

    @app.task
    async def number(*, node: NodeContext = inject()) -> int:
        return {"a": 1, "b": 2, "c": 3, "z": 4}[node.id]

    @app.task
    async def join(numbers: dict[str, int]) -> int:
        joined.append(numbers)
        return sum(numbers.values())

    graph = app.graph("diamond")
    a = graph.node(number, "a")
    graph.node(join, after=[graph.node(number, "b", after=a), graph.node(number, "c", after=a)])
    graph.node(number, "z")
    run = await app.start("diamond")
    await work(app)
    result = await run.result(LONG)
    assert joined == [{"b": 2, "c": 3}]
    assert result.output == {"join": 5, "z": 4}


async def test_arguments_come_from_inputs_params_and_edges(app: App) -> None:
    """S0-19."""
    seen: dict[str, Any] = {}

    @app.task
    async def none(*, node: NodeContext = inject()) -> str:
        seen["none"] = node.input
        return "given"

    @app.task
    async def first(text: str, times: int = 2) -> str:
        seen["first"] = text, times
        return text * times

    @app.task
    async def several(text: str, *, size: int, missing: str | None = "left out") -> None:
        seen["several"] = text, size, missing

    graph = app.graph("arguments")
    a = graph.node(none)
    b = graph.node(first, after=a, params={"times": 3})
    graph.node(several, after=b, inputs={"text": "none", "size": "context.deep.size", "missing": "none.nothing"})
    run = await app.start(graph, context={"deep": {"size": 4}})
    await work(app)
    await run.result(LONG)
    assert seen == {"none": None, "first": ("given", 3), "several": ("given", 4, None)}


async def test_a_failed_node_fails_the_graph_with_its_error_and_nothing_else_starts(app: App) -> None:
    """S0-34, S0-41, S0-42; a redrive goes on from the node that has failed."""
    ran: list[str] = []
    broken = [True]

    @app.task
    async def fine() -> str:
        ran.append("fine")
        return "fine"

    @app.task(retry=Retry(3, delay=0))
    async def fails(text: str) -> str:
        ran.append("fails")
        if broken[0]:
            raise OSError("no route")
        return text

    @app.task
    async def later(text: str) -> str:
        ran.append("later")
        return text

    graph = app.graph("failing")
    graph.node(later, after=graph.node(fails, after=graph.node(fine)))
    run = await app.start(graph)
    await work(app)
    with pytest.raises(RunFailed, match="node fails: no route") as caught:
        await run.result(LONG)
    assert caught.value.error_type == "OSError"
    assert ran == ["fine", "fails", "fails", "fails"]
    broken[0] = False
    await app.reconcile()  # what the failure has cancelled, which is nothing here, is seen to first
    await run.redrive()
    await work(app)
    assert (await run.result(LONG)).output == "fine"
    assert ran[4:] == ["fails", "later"]


async def test_a_fallback_stands_in_and_not_after_never(app: App) -> None:
    """S0-37, S0-38."""

    @app.task(retry=Retry(2, delay=0))
    async def charge(how: str, *, node: NodeContext = inject()) -> str:
        node.set("charged", True)
        raise Never("refused") if how == "never" else OSError("no route")

    @app.task
    async def by_hand(how: str, *, node: NodeContext = inject()) -> str:
        assert node.error is not None
        return f"{how} by hand: {node.error.message}"

    @app.task
    async def receipt(text: str) -> str:
        return text.upper()

    graph = app.graph("pay")
    graph.node(receipt, after=graph.node(charge, fallback=graph.node(by_hand)))
    good, bad = await app.start(graph, input="card"), await app.start(graph, input="never")
    await work(app)
    result = await good.result(LONG)
    assert result.output == "CARD BY HAND: NO ROUTE"
    assert (result.nodes["charge"].status, result.context) == ("rescued", {})  # a failed attempt has written nothing
    with pytest.raises(RunFailed, match="node charge: refused"):
        await bad.result(LONG)


async def test_a_blocked_graph_goes_on_when_its_node_is_redriven(app: App) -> None:
    broken = [True]

    @app.task(retry=Retry(1))
    async def shaky() -> str:
        if broken[0]:
            raise OSError("no route")
        return "mended"

    @app.task
    async def after(text: str) -> str:
        return text

    graph = app.graph("blocked")
    graph.node(after, after=graph.node(shaky, if_fails="block"))
    run = await app.start(graph)
    await work(app)
    assert (await run.status()).state is State.WAITING
    assert (await run.nodes())["shaky"].status == "blocked"
    (child,) = (await app.tree(run.id)).children
    await app.run(child.run.id).redrive()  # in vain
    await work(app)
    assert (await run.nodes())["shaky"].status == "blocked"
    broken[0] = False
    await app.run(child.run.id).redrive()
    await work(app)
    assert (await run.result(LONG)).output == "mended"


async def test_a_loop_takes_turns_and_a_batch_keeps_order_and_tolerance(app: App) -> None:
    """S0-74, S0-77, S0-78, S0-79."""
    under_way, most = [0], [0]

    @app.task
    async def add(number: int) -> int:
        return number + 1

    @app.task
    async def many(number: int) -> list[int]:
        return list(range(number))

    @app.task(retry=Retry(1))
    async def square(number: int) -> int:
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        await asyncio.sleep(0)
        under_way[0] -= 1
        if number == 3:
            raise ValueError("three")
        return number * number

    graph = app.graph("turns")
    body = graph.node(add)
    loop = graph.loop("loop", first=body, last=body, condition="turn == 0 || output < 12", limit=50)
    items = graph.node(many, after=loop)
    graph.batch(square, after=items, chunk=5, concurrency=2, tolerance=1)
    run = await app.start(graph, input=0)
    await work(app)
    result = await run.result(LONG)
    assert (result.nodes["loop"].turns, result.outputs["loop"]) == (12, 12)
    assert [one.get("output") for one in result.output] == [n * n if n != 3 else None for n in range(12)]
    assert result.output[3] == {"status": "failed", "error": {"type": "ValueError", "message": "three"}}
    assert most[0] <= 2


async def test_a_batch_beyond_its_tolerance_fails_and_calls_off_the_rest(app: App) -> None:
    ran: list[int] = []

    @app.task(retry=Retry(1))
    async def item(number: int) -> None:
        ran.append(number)
        raise ValueError(number)

    @app.task
    async def other(text: str | None) -> str:
        return "went on"

    graph = app.graph("batch")
    batch = graph.batch(item, if_fails="ignore")
    graph.node(other, after=batch)
    run = await app.start(graph, input=list(range(20)))
    await app.worker(burst=True, concurrency=1).run()
    result = await run.result(LONG)
    assert result.output == "went on"
    assert result.nodes["item"].status == "failed"
    assert len(ran) < 20


async def test_subgraphs_are_runs_of_their_own_and_see_what_is_mapped(app: App) -> None:
    """S0-81."""

    @app.task
    async def double(*, node: NodeContext = inject()) -> int:
        node.set("doubled", True)
        if node.get("number") == 7:
            raise Never("seven")
        number: int = node.get("number") * 2
        return number

    below = app.graph("below", version="2")
    below.node(double)
    below.wait("ask")
    app.blueprint(below.blueprint())
    above = app.graph("above")
    above.subgraph("below@2", inputs={"number": "context.number"}, outputs={"twice": "double", "said": "ask"})
    run, failing = await app.start(above, context={"number": 4}), await app.start(above, context={"number": 7})
    await work(app)
    (child,) = (await app.tree(run.id)).children
    assert (await run.status()).state is State.WAITING
    await app.run(child.run.id).signal("ask", "yes")
    await work(app)
    result = await run.result(LONG)
    assert (result.output, result.context) == ({"twice": 8, "said": "yes"}, {"number": 4})
    with pytest.raises(RunFailed, match="node below: node double: seven"):
        await failing.result(LONG)


async def test_a_wait_goes_on_along_the_action_of_its_signal(app: App) -> None:
    """S0-68, S0-70, S0-71, S0-72, S0-76."""

    @app.task
    async def take(data: Any) -> Any:
        return data

    graph = app.graph("waits")
    graph.node(take, "yes", after=graph.wait("ask"), action="yes")
    graph.node(take, "no", after="ask")
    graph.node(take, "other", after=graph.wait("second"))
    graph.node(take, "unrelated")
    run = await app.start(graph)
    await work(app)
    assert (await run.nodes())["unrelated"].status == "succeeded"
    why = await run.why()
    assert why is not None
    assert (why.reason, set(why.detail)) == ("signal", {"ask", "second"})
    assert await run.signal("ask", {"action": "yes", "by": "her"}, once="1")
    assert not await run.signal("ask", {"action": "yes", "by": "her"}, once="1")
    await work(app)
    why = await run.why()
    assert why is not None
    assert why.detail == ("second",)
    assert await run.signal("second", 2)
    await work(app)
    result = await run.result(LONG)
    assert result.output == {"yes": {"action": "yes", "by": "her"}, "other": 2, "unrelated": None}
    assert result.nodes["no"].status == "skipped"
    with pytest.raises(Exception, match="finished"):
        await run.signal("ask", "late")


async def test_a_signal_that_came_before_its_wait_is_kept(app: App) -> None:
    @app.task
    async def take(data: Any) -> Any:
        return data

    graph = app.graph("early")
    graph.node(take, "after", after=graph.wait("ask", after=graph.node(take, "before")))
    run = await app.start(graph)
    await run.signal("ask", "early")
    await work(app)
    assert (await run.result(LONG)).output == "early"


async def test_sleeps_and_timeouts_take_no_worker(stage: Rehearsal, rehearsed: App) -> None:
    """S0-30, S0-73, S0-74."""
    app = rehearsed

    @app.task
    async def take(data: Any) -> Any:
        return data

    graph = app.graph("sleeps")
    late = graph.wait("ask", timeout="2d")
    first = graph.sleep("1d", "first", after=graph.node(take, "start"))
    graph.node(take, "end", after=graph.sleep("1d", "second", after=first))
    graph.node(take, "late", after=late, action="timeout")
    run = await app.start(graph, input="through")
    await stage.drain()
    assert (await run.nodes())["second"].status == "pending"
    await stage.advance("1d")
    assert (await run.nodes())["second"].status == "running"
    await stage.outage("3d")
    await stage.drain()
    await stage.advance("1m")
    result = await run.result(0)
    assert result.output == {"end": "through", "late": None}


async def test_cancel_reaches_what_waits_and_what_is_queued(app: App) -> None:
    """S0-62."""

    @app.task
    async def never() -> None:
        raise AssertionError("it was cancelled")

    graph = app.graph("cancelled")
    graph.wait("ask")
    graph.node(never, after=graph.sleep("1h"))
    run = await app.start(graph)
    await work(app)
    assert await run.cancel("enough")
    assert not await run.cancel()
    with pytest.raises(RunCancelled):
        await run.result(LONG)


async def test_a_start_can_be_repeated_and_a_large_graph_travels_apart(app: App) -> None:
    """S0-56, S0-57."""

    @app.task
    async def text(*, node: NodeContext = inject()) -> str:
        return str(node.get("text"))[:3]

    graph = app.graph("again")
    graph.node(text)
    for size in (10, 100_000):
        context = {"text": "abc" * size}
        runs = [await app.start(graph, context=context, key=f"k{size}") for _ in range(2)]
        assert runs[0] == runs[1]
        assert [run.created for run in runs] == [True, False]
        await work(app)
        assert (await runs[0].result(LONG)).output == "abc"
        assert (await app.start(graph, context=context, key=f"k{size}")) == runs[0]


async def test_what_is_wrong_is_said_before_anything_is_stored(app: App) -> None:
    """S0-04, S0-05, S0-07, S0-10."""
    with pytest.raises(InvalidBlueprint):
        await app.start({"id": "g", "nodes": [{"id": "a", "uses": "t"}], "edges": [{"source": "a", "target": "b"}]})
    with pytest.raises(InvalidBlueprint):
        app.blueprint({"id": "g", "nodes": []})
    with pytest.raises(NotFound, match="nobody"):
        await app.start("nobody")
    one = app.blueprint({"id": "g", "nodes": [{"id": "a", "uses": "t"}]})
    assert app.blueprint(one) == one
    with pytest.raises(Invalid, match="another blueprint"):
        app.blueprint({"id": "g", "nodes": [{"id": "a", "uses": "other"}]})
    assert not (await app.runs()).items


async def test_a_graph_waits_for_implementations_and_says_for_which(app: App) -> None:
    """S0-06, S0-53, S0-66: here it waits, with that reason."""

    @app.task
    async def known() -> None: ...

    graph = app.graph("versions")
    graph.node("unknown", after=graph.node(known))
    run = await app.start(graph)
    await work(app)
    (_, child) = (await app.tree(run.id)).children
    why = await app.run(child.run.id).why()
    assert why is not None
    assert "unknown" in " ".join((why.reason, *why.detail))

    @app.task
    async def unknown() -> str:
        return "here I am"

    await work(app)
    assert (await run.result(LONG)).output == "here I am"
