"""Nodes that are classes, and what is around nodes."""

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest

from penstock import (
    App,
    Context,
    DuplicateTask,
    Invalid,
    Never,
    NodeContext,
    NodeOutcome,
    Retry,
    RunFailed,
    inject,
)
from penstock.models.around import Proceed

LONG = "60s"


async def work(app: App) -> None:
    """Carry out all that is ready."""
    await app.worker(burst=True, concurrency=5).run()


def charge(app: App, fails: int, *, error: type[Exception] = OSError, rescues: bool = True) -> list[str]:
    """Register a class whose `execute` fails so often; what is called, in order."""
    called: list[str] = []

    class Charge:
        node: NodeContext

        async def prepare(self, cents: int, currency: str = "EUR") -> tuple[int, str]:
            called.append("prepare")
            self.node.set("prepared", cents)
            return cents, currency

        async def execute(self, prepared: tuple[int, str]) -> str:
            assert isinstance(prepared, tuple)  # as annotated, in each attempt
            assert self.node.get("prepared") == prepared[0]
            called.append("execute")
            self.node.set("tries", called.count("execute"))
            if called.count("execute") <= fails:
                raise error("no route")
            return f"{prepared[0]} {prepared[1]}"

        def finish(self, result: str) -> NodeOutcome:
            called.append("finish")
            return NodeOutcome(result.upper(), "done")

        async def cleanup(self, error: BaseException | None) -> None:
            called.append("cleanup" if error is None else f"cleanup {error}")

    async def fallback(self: Charge, error: BaseException) -> str:
        called.append(f"fallback {error}")
        return "by hand"

    if rescues:
        Charge.fallback = fallback  # type: ignore[attr-defined]
    app.node(name="charge", retry=Retry(3, delay=0))(Charge)
    return called


async def test_only_execute_is_tried_again_and_what_was_prepared_is_kept(app: App) -> None:
    called = charge(app, fails=2)
    graph = app.graph("pay")
    graph.wait("never", after=graph.node("charge", params={"currency": "USD"}), action="never")
    run = await app.start(graph, input=5)
    await work(app)
    result = await run.result(LONG)
    assert called == ["prepare", "execute", "execute", "execute", "finish", "cleanup"]
    assert result.outputs == {"charge": "5 USD"}
    assert (result.nodes["charge"].action, result.context) == ("done", {"prepared": 5, "tries": 3})


async def test_a_fallback_stands_in_when_no_attempt_is_left(app: App) -> None:
    called = charge(app, fails=9)
    graph = app.graph("pay")
    graph.node("charge")
    run = await app.start(graph, input=5)
    await work(app)
    assert (await run.result(LONG)).output == "BY HAND"
    assert called == ["prepare", "execute", "execute", "execute", "fallback no route", "finish", "cleanup"]


async def test_after_never_nothing_stands_in_and_a_redrive_prepares_anew(app: App) -> None:
    """S0-37."""
    called = charge(app, fails=1, error=Never)
    graph = app.graph("pay")
    graph.node("charge")
    run = await app.start(graph, input=5)
    await work(app)
    with pytest.raises(RunFailed, match="node charge: no route"):
        await run.result(LONG)
    assert called == ["prepare", "execute", "cleanup no route"]
    await app.reconcile()
    await run.redrive()
    await work(app)
    assert (await run.result(LONG)).output == "5 EUR"
    assert called[3:] == ["prepare", "execute", "finish", "cleanup"]


async def test_without_a_fallback_the_error_is_the_node_s(app: App) -> None:
    called = charge(app, fails=9, rescues=False)
    graph = app.graph("pay")
    graph.node("charge")
    run = await app.start(graph, input=5)
    await work(app)
    with pytest.raises(RunFailed, match="node charge: no route") as caught:
        await run.result(LONG)
    assert caught.value.error_type == "OSError"
    assert called == ["prepare", "execute", "execute", "execute", "cleanup no route"]


@pytest.mark.parametrize("where", ["prepare", "finish", "fallback", "cleanup"])
async def test_an_error_of_another_method_is_not_tried_again(app: App, where: str) -> None:
    called: Counter[str] = Counter()

    def call(method: str) -> None:
        called[method] += 1
        if method == where or (method, where) == ("execute", "fallback"):
            raise ValueError(method)

    @app.node(retry=Retry(2, delay=0))
    class Broken:
        def prepare(self) -> None:
            assert threading.current_thread() is not threading.main_thread()
            call("prepare")

        def execute(self, prepared: None) -> None:
            call("execute")

        def fallback(self, error: BaseException) -> None:
            assert str(error) == "execute"
            call("fallback")

        async def finish(self, result: None) -> None:
            call("finish")

        def cleanup(self, error: BaseException | None) -> None:
            assert (error is None) == (where == "cleanup")
            call("cleanup")

    graph = app.graph("broken")
    graph.node(Broken)
    run = await app.start(graph)
    await work(app)
    if where == "cleanup":
        await run.result(LONG)
    else:
        with pytest.raises(RunFailed, match=f"node Broken: {where}") as caught:
            await run.result(LONG)
        assert caught.value.error_type == "ValueError"
    assert (called["prepare"], called[where]) == (1, 1)
    assert called["execute"] == {"prepare": 0, "fallback": 2}.get(where, 1)


async def test_a_time_out_and_a_cancel_clean_up(app: App) -> None:
    """S0-36."""
    cleaned: list[str] = []
    started = asyncio.Event()

    @app.node(retry=Retry(1))
    class Slow:
        async def execute(self) -> None:
            started.set()
            await asyncio.Event().wait()

        def fallback(self, error: BaseException) -> None:
            raise AssertionError("too late is too late")

        def cleanup(self, error: BaseException | None) -> None:
            cleaned.append(type(error).__name__)

    graph = app.graph("slow")
    graph.node(Slow, timeout="50ms")
    run = await app.start(graph)
    await work(app)
    with pytest.raises(RunFailed, match=r"Timeout: node Slow: .*0.05"):
        await run.result(LONG)
    assert cleaned == ["CancelledError"]
    graph = app.graph("cancelled")
    graph.node(Slow)
    started.clear()
    async with app.worker():
        run = await app.start(graph)
        await started.wait()
        (one,) = (one for one in await run.events() if one.kind == "node.started")
        await app.run(one.node_run or "").cancel("enough")
        with pytest.raises(RunFailed, match="RunCancelled: node Slow: enough"):
            await run.result(LONG)
    assert cleaned == ["CancelledError", "CancelledError"]


async def test_outside_of_graphs_a_class_is_a_task_like_others(app: App) -> None:
    called = charge(app, fails=0)
    run = await app.enqueue("charge", 7, currency="USD")
    await work(app)
    assert called == ["prepare", "execute", "finish", "cleanup"]
    assert await run.result(LONG) == NodeOutcome("7 USD", "done")


def test_what_is_no_node_is_refused() -> None:
    app = App("memory://")

    class NoExecute: ...

    class Needs:
        def __init__(self, needed: int) -> None: ...
        def execute(self) -> None: ...

    class Takes:
        def execute(self) -> None: ...
        def finish(self) -> None: ...

    class Fine:
        def execute(self) -> None: ...

    def plain() -> None: ...

    for kind, said in ((NoExecute, "execute"), (Needs, "without arguments"), (Takes, "finish"), (plain, "a class")):
        with pytest.raises(Invalid, match=said):
            app.node(kind)  # type: ignore[type-var]
    with pytest.raises(Invalid, match="executor"):
        app.node(executor="process")(Fine)
    assert app.tasks == {}
    with pytest.raises(Invalid, match="decorated"):
        app.graph("g").node(Fine)
    app.node(Fine)
    with pytest.raises(DuplicateTask):
        app.node(Fine)
    with pytest.raises(Invalid, match="around_node"):
        app.around_node(plain)  # type: ignore[type-var]


class Around:
    """Middleware around attempts and nodes, and tasks that say when they run."""

    def __init__(self, app: App) -> None:
        self.seen: list[str] = []
        seen = self.seen

        @app.around_attempt
        async def outer(ctx: Context, proceed: Proceed) -> Any:
            seen.append("outer")
            return await proceed()

        @app.around_node
        async def first(node: NodeContext, proceed: Proceed) -> Any:
            seen.append(f"first {node.key}")
            try:
                return await proceed()
            except OSError as error:
                node.set("rescued", str(error))
                return NodeOutcome("rescued", "saved")

        @app.around_node
        async def second(node: NodeContext, proceed: Proceed) -> Any:
            seen.append(f"second {node.key}")
            if node.id == "cached":
                return "from the cache"
            came = await proceed()
            return f"{came}!" if node.id == "replaced" else came

        @app.task(retry=Retry(1))
        async def plain(given: Any = None, *, node: NodeContext = inject()) -> Any:
            seen.append(f"ran {node.key}")
            if node.id == "fails":
                raise OSError("no route")
            return [1] if node.id == "items" else given

        @app.task
        def threaded(given: Any = None, *, node: NodeContext = inject()) -> Any:
            seen.append(f"ran {node.key}")
            return given


async def test_middleware_answers_replaces_and_rescues(app: App) -> None:
    """Of nodes with async functions and with plain ones."""
    around = Around(app)
    graph = app.graph("around")
    replaced = graph.node("plain", "replaced", after=graph.node("plain", "cached"))
    fails = graph.node("plain", "fails", after=replaced)
    graph.node("threaded", after=fails, action="saved")
    run = await app.start(graph)
    await work(app)
    result = await run.result(LONG)
    assert result.outputs == {
        "cached": "from the cache",
        "replaced": "from the cache!",
        "fails": "rescued",
        "threaded": "rescued",
    }
    assert result.context == {"rescued": "no route"}
    of_nodes = [one for one in around.seen if one != "outer"]
    assert of_nodes == [
        *("first cached", "second cached"),
        *("first replaced", "second replaced", "ran replaced"),
        *("first fails", "second fails", "ran fails"),
        *("first threaded", "second threaded", "ran threaded"),
    ]
    assert around.seen[around.seen.index("first fails") - 1] == "outer"


async def test_middleware_is_around_items_of_batches_and_not_around_other_runs(app: App) -> None:
    around = Around(app)
    graph = app.graph("batch")
    graph.batch("plain", after=graph.node("plain", "items"))
    run = await app.start(graph)
    await work(app)
    await run.result(LONG)
    assert [one for one in around.seen if "[0]" in one] == ["first plain[0]", "second plain[0]", "ran plain[0]"]
    around.seen.clear()
    other = await app.enqueue("plain", 3)
    await work(app)
    assert await other.result(LONG) == 3
    assert around.seen == ["outer", "ran "]
