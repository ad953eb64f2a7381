"""What a running run sees of its children, adds to them, and drops: `ctx.children`, `ctx.parent`, `ctx.root`."""

import asyncio
from typing import Any

import pytest

from penstock import (
    App,
    AsyncTask,
    Context,
    Invalid,
    Keep,
    NotFound,
    Retry,
    RunCancelled,
    RunFailed,
    State,
    context,
    inject,
    sleep,
)
from penstock.testing import Rehearsal


def a_leaf(app: App) -> AsyncTask[[int], int]:
    """Returns its number; a negative one fails."""

    @app.task(retry=Retry(1))
    async def leaf(n: int) -> int:
        if n < 0:
            raise ValueError(f"below zero: {n}")
        return n

    return leaf


async def test_a_parent_reads_results_in_the_order_given(worked: App) -> None:
    """S3-04, B-001, B-023, B-049: by name and by id, whatever retention says."""
    leaf = a_leaf(worked)

    @worked.task
    async def total(*, ctx: Context = inject()) -> dict[str, Any]:
        results = await ctx.children.results()
        return {
            "all": [child.result for child in results.items],
            "names": [child.name for child in results.items],
            "more": results.after,
            "named": await ctx.children.result("second"),
            "by id": await ctx.children.result("third", int),
            "failures": len((await ctx.children.failures()).items),
            "pending": len((await ctx.children.pending()).items),
        }

    short = leaf.opts(keep=Keep(succeeded=0, newest=0))
    tree = await worked.submit(
        total.call().after(short.call(3), short.call(1).named("second"), leaf.opts(id="third").call(2))
    )
    assert await tree.run.result(timeout="30s") == {
        "all": [3, 1, 2],
        "names": ["leaf", "second", "leaf"],
        "more": None,
        "named": 1,
        "by id": 2,
        "failures": 0,
        "pending": 0,
    }


@pytest.mark.parametrize("empty", [None, 0, False, "", [], {}])
async def test_empty_results_are_results(worked: App, empty: Any) -> None:
    @worked.task
    async def give(what: Any) -> Any:
        return what

    @worked.task
    async def take(*, ctx: Context = inject()) -> Any:
        return [child.result for child in (await ctx.children.results()).items]

    tree = await worked.submit(take.call().after(give.call(empty)))
    assert await tree.run.result(timeout="30s") == [empty]


async def test_failures_are_read_with_their_reasons(worked: App) -> None:
    """S3-18, B-016, B-017: ignored ones with their errors, removed ones not at all."""
    leaf = a_leaf(worked)

    @worked.task
    async def total(*, ctx: Context = inject()) -> dict[str, Any]:
        failures = (await ctx.children.failures()).items
        with pytest.raises(RunFailed, match="below zero: -1"):
            await ctx.children.result("first")
        with pytest.raises(NotFound):
            await ctx.children.result("gone")
        with pytest.raises(Invalid, match="2 children are called so"):
            await ctx.children.result("leaf")
        return {
            "failed": [[child.name, child.error.message if child.error else None] for child in failures],
            "results": [child.result for child in (await ctx.children.results()).items],
        }

    tree = await worked.submit(
        total.call().after(
            leaf.call(-1).if_fails("ignore").named("first"),
            leaf.call(-2).if_fails("ignore"),
            leaf.call(-3).if_fails("remove").named("gone"),
            leaf.call(-4).if_fails("ignore"),
        )
    )
    assert await tree.run.result(timeout="30s") == {
        "failed": [["first", "below zero: -1"], ["leaf", "below zero: -2"], ["leaf", "below zero: -4"]],
        "results": [],
    }


async def test_a_cancelled_child_is_a_failure(rehearsed: App, stage: Rehearsal) -> None:
    leaf = a_leaf(rehearsed)

    @rehearsed.task
    async def total(*, ctx: Context = inject()) -> str:
        with pytest.raises(RunCancelled, match="no need"):
            await ctx.children.result("leaf")
        return "seen"

    tree = await rehearsed.submit(total.call().after(leaf.call(1).if_fails("ignore")))
    await tree.children[0].run.cancel("no need")
    assert await tree.run.result() == "seen"


async def test_pages_hold_every_child_once(rehearsed: App, stage: Rehearsal) -> None:
    """B-048."""
    leaf = a_leaf(rehearsed)
    seen: list[list[int]] = []

    @rehearsed.task
    async def total(*, ctx: Context = inject()) -> None:
        for limit in (1, 7, 100, 1000, None):
            found: list[int] = []
            after: str | None = None
            while True:
                page = await ctx.children.results(after=after, limit=limit)
                assert limit is None or len(page.items) <= limit
                found += [child.result for child in page.items]
                after = page.after
                if after is None:
                    break
            seen.append(found)
        with pytest.raises(Invalid, match="limit"):
            await ctx.children.results(limit=0)

    calls = [leaf.call(n if n % 3 else -1).if_fails("ignore") for n in range(250)]
    tree = await rehearsed.submit(total.call().after(*calls))
    await tree.run.result()
    assert seen == [[n for n in range(250) if n % 3]] * 5


async def test_a_run_knows_who_stands_above_it(worked: App) -> None:
    seen: dict[str, tuple[str | None, str]] = {}

    @worked.task
    async def node(name: str, *, ctx: Context = inject()) -> None:
        seen[name] = ctx.parent, ctx.root

    tree = await worked.submit(node.call("top").after(node.call("middle").after(node.call("leaf"))))
    await tree.run.result(timeout="30s")
    top, middle = tree.run.id, tree.children[0].run.id
    assert seen == {"top": (None, top), "middle": (top, top), "leaf": (middle, top)}


async def test_continue_starts_the_parent_once(worked: App) -> None:
    """S3-14, S3-15, S3-16, B-013, B-015: it sees why, drops what is not started, and waits for the rest."""
    leaf = a_leaf(worked)
    gate, begun = asyncio.Event(), asyncio.Event()
    starts: list[int] = []

    @worked.task
    async def slow() -> str:
        begun.set()
        await gate.wait()
        return "finished"

    @worked.task(retry=Retry(1))
    async def late() -> None:
        await begun.wait()
        raise ValueError("no stock")

    @worked.task
    async def total(*, ctx: Context = inject()) -> list[Any]:
        starts.append(1)
        failures = (await ctx.children.failures()).items
        dropped = await ctx.children.cancel_pending()
        left = (await ctx.children.pending()).items
        gate.set()
        return [[child.error.message for child in failures if child.error], dropped, [child.task for child in left]]

    waiting = leaf.opts(delay="1h")
    tree = await worked.submit(
        total.call().after(
            late.call().if_fails("continue"), slow.call(), waiting.call(1), leaf.call(-9).after(waiting.call(2))
        )
    )
    assert await tree.run.result(timeout="30s") == [["no stock"], 2, ["slow"]]
    assert starts == [1]
    assert (await tree.children[1].run.status()).state is State.SUCCEEDED


async def test_children_are_added_while_a_run_runs(worked: App) -> None:
    """S3-16, S3-35, B-010: it has succeeded when all of them have, and a second failure fails it."""
    leaf = a_leaf(worked)

    @worked.task
    async def top(last: int, *, ctx: Context = inject()) -> list[str]:
        added = await ctx.children.add(leaf.call(1).after(leaf.call(2)), leaf.call(last).named("last"))
        assert [child.id for child in (await ctx.children.pending()).items] == added
        return added

    run = await top.enqueue(3)
    added = await run.result(timeout="30s")
    assert [(await worked.run(one).status()).result for one in added] == [1, 3]
    with pytest.raises(RunFailed, match="below zero"):
        await (await top.enqueue(-3)).result(timeout="30s")


async def test_what_can_not_be_added_is_refused(worked: App) -> None:
    """S3-39: naming the call."""
    leaf = a_leaf(worked)

    @worked.task(retry=Retry(1))
    async def top(*, ctx: Context = inject()) -> str:
        with pytest.raises(Invalid, match=r"calls\[1\]: a node of a flow|calls\[1\]='k'"):
            await ctx.children.add(leaf.call(1), leaf.opts(key="k").call(2))
        with pytest.raises(Invalid, match=r"calls\[0\]"):
            await ctx.children.add("leaf")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert await ctx.children.add() == []
        return str(len((await ctx.children.pending()).items))

    assert await (await top.enqueue()).result(timeout="30s") == "0"


async def test_code_in_threads_reads_and_adds(worked: App) -> None:
    leaf = a_leaf(worked)

    @worked.task
    def total(*, ctx: Context = inject()) -> list[int]:
        ctx.children.sync.add(leaf.call(7))
        assert ctx.children.sync.cancel_pending() in {0, 1}
        assert ctx.children.sync.result("five", int) == 5
        assert ctx.children.sync.failures().items == ()
        ctx.children.sync.pending()
        return [child.result for child in ctx.children.sync.results(limit=10).items][:1]

    tree = await worked.submit(total.call().after(leaf.call(5).named("five")))
    assert await tree.run.result(timeout="30s") == [5]


async def test_a_workflow_adds_children_once(rehearsed: App, stage: Rehearsal) -> None:
    """However often its code is replayed."""
    leaf = a_leaf(rehearsed)
    passes: list[list[str]] = []

    @rehearsed.workflow
    async def top() -> list[str]:
        added = await context().children.add(leaf.call(1).after(leaf.call(2)), leaf.call(3))
        started = await rehearsed.submit(leaf.call(4).after(leaf.call(5)))
        passes.append([*added, started.run.id, started.children[0].run.id])
        await sleep("1h")
        return passes[-1]

    run = await top.enqueue()
    await stage.advance("2h")
    ids = await run.result()
    assert passes == [ids, ids]
    assert sorted(one.input["n"] for one in await stage.runs(leaf)) == [1, 2, 3, 4, 5]


async def test_a_flow_submitted_by_a_task_is_its_own(worked: App) -> None:
    """It is started: its end touches nobody, a cancel of the running parent reaches it."""
    leaf = a_leaf(worked)

    @worked.task
    async def top(*, ctx: Context = inject()) -> list[str]:
        tree = await worked.submit(leaf.call(1).after(leaf.call(-2)))
        assert (await ctx.children.pending()).items == ()
        return [tree.run.id, tree.children[0].run.id]

    run = await top.enqueue()
    started, below = await run.result(timeout="30s")
    with pytest.raises(RunFailed):
        await worked.run(started).result(timeout="30s")
    statuses = [await worked.run(one).status() for one in (started, below)]
    assert [status.parent_id for status in statuses] == [run.id, started]
