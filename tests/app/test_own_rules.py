"""What other systems have a feature for, and here is said with what there is: see decision 26."""

import asyncio
from typing import Any

import pytest

from penstock import App, Context, NotFound, State, inject
from penstock.engine.events import KINDS, Event


async def test_a_rule_of_ones_own_says_the_next_moment() -> None:
    """B-163: the run of a tick says when the next one is; a run that failed, or was lost, has said it once or not."""
    app = App("memory://", name="shop")
    seen: list[float] = []

    @app.task
    async def probe(pause: float, *, ctx: Context = inject()) -> None:
        assert ctx.nominal is not None
        seen.append(ctx.nominal)
        await app.schedules.create("probe", probe.call(pause * 2), at=ctx.nominal + pause)

    async with app.testing() as stage:
        start = stage.now
        await app.schedules.create("probe", probe.call(10.0), at=start + 5)
        await stage.advance("2m")
        assert [moment - start for moment in seen] == [5, 15, 35, 75]
        assert (await app.schedules.get("probe")).next_at == start + 155


async def test_a_run_is_told_of_in_order(app: App) -> None:
    """B-168: its log has the whole order, whoever did each part; the process that carried it out tells of its own."""
    heard: list[str] = []
    for kind in KINDS:
        app.on(kind, lambda event: heard.append(event.kind))

    @app.task
    async def add(a: int, b: int) -> dict[str, int]:
        return {"sum": a + b}

    run = await add.enqueue(1, b=2)
    await app.worker(burst=True).run()
    lines = [line async for line in run.stream()]
    kinds = [line.kind for line in lines]
    assert [kind for kind in kinds if kind in {"enqueued", "claimed", "finished"}] == [
        "enqueued",
        "claimed",
        "finished",
    ]
    assert [line.seq for line in lines] == sorted(line.seq for line in lines)
    assert await run.result() == {"sum": 3}
    told = [kind for kind in heard if kind.startswith("run.")]
    assert told == ["run.started", "run.succeeded"]


@pytest.mark.parametrize("number", [0, 1, 7])
async def test_a_burst_worker_ends_once_all_is_done(app: App, number: int) -> None:
    """B-169: a queue is found empty by a worker, so a worker says it: one that drains goes, once, when all is done."""
    done: list[int] = []
    ended: list[Event] = []
    app.on("worker.stopped", ended.append)

    @app.task
    async def work(n: int) -> None:
        await asyncio.sleep(0)
        done.append(n)

    await app.enqueue_many([work.call(n) for n in range(number)])
    await app.worker(burst=True, concurrency=4).run()
    assert sorted(done) == list(range(number))
    assert [count for count in await app.counts() if count.state is not State.SUCCEEDED] == []
    assert len(ended) == 1


async def test_what_is_not_there_is_not_removed(app: App) -> None:
    """B-173: who asks is told; there is no event of a removal, so none for nothing either."""
    heard: list[Any] = []
    for kind in KINDS:
        app.on(kind, heard.append)
    with pytest.raises(NotFound):
        await app.run("nobody").remove()
    assert heard == []
    assert not [kind for kind in KINDS if "remove" in kind]
