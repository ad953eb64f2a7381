"""Flows of more runs than one group takes: stored by callers, by running tasks, by workflows, and below other runs."""

import pytest

from penstock import App, AsyncTask, Call, Context, Invalid, Retry, State, context, inject, sleep
from penstock.models import growing
from penstock.testing import Rehearsal

LONG = "60s"


def a_task(app: App) -> AsyncTask[..., int]:
    @app.task
    async def note(n: int = 0) -> int:
        return n

    return note


def large(note: AsyncTask[..., int], size: int = 1200) -> Call[int]:
    """A tree of that many leaves below some of their own."""
    tens = [note.call(n).after(*(note.call(n + k) for k in range(1, 10))) for n in range(0, size, 10)]
    return note.call(-1).after(*tens)


async def test_a_large_flow_is_stored_whole(worked: App) -> None:
    """More runs than one group takes; none starts before all are there."""
    seen: list[int] = []

    @worked.task
    async def count(n: int) -> None:
        seen.append(n)

    tree = await worked.submit(count.call(-1).after(*(count.call(n) for n in range(1500))))
    assert len(tree.children) == 1500
    await tree.run.result(timeout=LONG)
    assert seen[-1] == -1
    assert sorted(seen) == list(range(-1, 1500))


async def test_a_large_flow_that_is_refused_on_the_way_never_starts(app: App) -> None:
    note = a_task(app)
    await app.submit(note.call().after(note.opts(id="taken").call()))
    alone = await note.opts(id="alone").enqueue()
    children = [note.call() for _ in range(1400)]
    children[5] = note.opts(id="alone").call()
    children[1300] = note.opts(id="taken").call()
    root = note.call().after(*children)
    with pytest.raises(Invalid, match=r"flow\.after\[1300\]='taken'"):
        await app.submit(root)
    assert (await app.run(root.id).status()).state is State.CANCELLED
    assert (await alone.status()).state is State.QUEUED


async def test_a_large_flow_comes_below_a_run_that_waits(worked: App) -> None:
    """S3-27, B-031."""
    note = a_task(worked)
    top = await worked.submit(note.call().after(note.opts(delay="1h").call()))
    await worked.submit(large(note), parent=top.run)
    await top.children[0].run.remove()
    await top.run.result(timeout=LONG)
    tree = await worked.tree(top.run.id, per_node=10_000)
    assert [child.run.state for child in tree.children[0].children] == ["succeeded"] * 120


async def test_a_running_task_adds_and_starts_large_flows(worked: App) -> None:
    """It has succeeded when what it has added has; what it has started is a tree of its own."""
    note = a_task(worked)

    @worked.task(retry=Retry(1))
    async def top(*, ctx: Context = inject()) -> list[str]:
        [added, lone] = await ctx.children.add(large(note), note.call())
        started = await worked.submit(large(note))
        return [added, lone, started.run.id]

    run = await top.enqueue()
    added, lone, started = await run.result(timeout=LONG)
    assert [(await worked.run(one).status()).result for one in (added, lone)] == [-1, 0]
    assert await worked.run(started).result(timeout=LONG) == -1
    counts = {count.state: count.n for count in await worked.counts()}
    assert counts == {"succeeded": 1 + 1 + 2 * 1201}


async def test_a_running_task_goes_on_when_its_large_flow_is_refused(worked: App) -> None:
    """What was stored of it is cancelled, has never run, and nobody waits for it; what was there before stays."""
    note = a_task(worked)
    taken = (await worked.submit(note.opts(delay="1h").call().after(note.opts(id="taken", delay="1h").call()))).run
    alone = await note.opts(id="alone", delay="1h").enqueue()

    @worked.task(retry=Retry(1))
    async def top(*, ctx: Context = inject()) -> str:
        children = [note.call() for _ in range(1400)]
        children[5], children[1300] = note.opts(id="alone").call(), note.opts(id="taken").call()
        root = note.call().after(*children)
        with pytest.raises(Invalid, match=r"calls\[0\]\.after\[1300\]='taken'"):
            await ctx.children.add(root)
        return root.id

    root = await (await top.enqueue()).result(timeout=LONG)
    assert (await worked.run(root).status()).state is State.CANCELLED
    assert (await alone.status()).state is State.SCHEDULED
    assert (await taken.status()).state is State.WAITING


async def test_a_workflow_adds_a_large_flow_once(
    rehearsed: App, stage: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often its code is replayed, and wherever its worker dies."""
    monkeypatch.setattr(growing, "ITEMS", 7)
    note = a_task(rehearsed)

    @rehearsed.workflow
    async def top() -> int:
        [added] = await context().children.add(large(note, 40))
        started = await rehearsed.submit(large(note, 20))
        await sleep("1h")
        return sum(bool(one) for one in (added, started.run.id))

    run = await top.enqueue()
    await stage.advance("2h")
    assert await run.result() == 2
    assert len(await stage.runs(note)) == 41 + 21
    assert await stage.check_crashes(top.call()) > 1
