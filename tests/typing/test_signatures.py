"""What type checkers see: a task keeps its function's signature. mypy and pyright read this file; it also runs.

The ignores are claims, too: mypy says which are not needed.
"""

from typing import Any, assert_type

import pytest

from penstock import (
    App,
    AsyncTask,
    Call,
    Context,
    FlowNode,
    InvalidInput,
    Retry,
    Run,
    SyncFlowNode,
    SyncRun,
    ThreadTask,
    Tree,
    inject,
)

app = App("memory://")


@app.task
async def add(a: int, b: int = 1, *, ctx: Context = inject()) -> int:
    return a + b


@app.task(queue="texts", retry=Retry(3, on=OSError), timeout="30s", tags=["t"])
def join(*parts: str, by: str = "") -> str:
    return by.join(parts)


async def test_enqueue_and_result_are_typed() -> None:
    async with app.testing():
        run = await add.enqueue(1, b=2)
        assert_type(run, Run[int])
        assert_type(await run.result(timeout="1m"), int)
        other = await join.enqueue("a", "b", by="-")
        assert_type(other, Run[str])
        assert_type(await other.result(), str)


async def test_calls_opts_and_the_sync_front_keep_the_types() -> None:
    async with app.testing():
        assert_type(add.call(1), Call[int])
        assert_type(join.opts(delay="10m", key="k", priority=3).call("a"), Call[str])
        assert_type(await app.enqueue_many([add.call(1), add.opts(priority=1).call(2)]), list[Run[int]])
        mixed = await app.enqueue_many([add.call(1), join.call("a"), app.call("add", 1)])
        assert_type(mixed, list[Run[Any]])
    if False:  # a loop is running
        assert_type(add.sync.enqueue(1), SyncRun[int])  # type: ignore[unreachable]
        assert_type(add.sync.enqueue(1).result(), int)
        assert_type(app.sync.enqueue_many([add.call(1)]), list[SyncRun[int]])
        assert_type(add.within(object()).enqueue(1), Run[int])


async def test_a_direct_call_is_the_function() -> None:
    assert_type(await add(1), int)
    assert_type(join("a"), str)
    assert_type(join.fn("a"), str)
    assert isinstance(add, AsyncTask)
    assert isinstance(join, ThreadTask)


async def test_wrong_arguments_are_errors_for_checkers_and_at_run_time() -> None:
    async with app.testing():
        for call in (
            lambda: add.enqueue("x"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
            lambda: add.opts(priority=1).enqueue(),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
            lambda: add.enqueue(1, c=3),  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
            lambda: join.enqueue("a", by=1),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        ):
            with pytest.raises(InvalidInput):
                await call()


async def test_flows_keep_the_types_of_their_roots() -> None:
    async with app.testing():
        call = add.call(1).after(join.call("a"), app.call("add", 1)).if_fails("ignore").named("sum")
        assert_type(call, Call[int])
        tree = await app.submit(add.call(1).after(join.call("a")))
        assert_type(tree, FlowNode[int])
        assert_type(await tree.run.result(), int)
        assert_type(tree.children, tuple[FlowNode[Any], ...])
        assert_type(await app.submit([add.call(1), add.call(2)]), list[FlowNode[int]])
        assert_type(await app.submit({"task": "add", "input": {"a": 1}}), FlowNode[Any])
        assert_type(await app.submit([add.call(1), {"task": "add", "input": {"a": 1}}]), list[FlowNode[Any]])
        assert_type(await app.tree(tree.run.id), Tree)
    if False:  # a loop is running
        assert_type(app.sync.submit(add.call(1)), SyncFlowNode[int])  # type: ignore[unreachable]
        assert_type(app.sync.submit([add.call(1)]), list[SyncFlowNode[int]])
