"""What those who run an app see and do: workers, metrics by the minute, and a store in step with the code."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from penstock import App, Context, Invalid, Limit, Retry, inject
from penstock.app import synchronising
from penstock.core.registry import Definition, WorkerInfo
from penstock.core.views import Rollup

PATIENCE = 20.0


async def until(there: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await there():  # noqa: ASYNC110 (a condition in the store)
            await asyncio.sleep(0.02)


async def test_a_worker_says_what_it_holds_and_how_it_fares(app: App) -> None:
    go = asyncio.Event()

    @app.task
    async def work() -> None:
        await go.wait()

    async with app.worker(concurrency=3) as worker:
        run = await work.enqueue()

        async def holds() -> bool:
            return [(one.worker, one.tasks) for one in await app.workers()] == [(worker.identity, ("work",))]

        await until(holds)
        [one] = await app.workers()
        assert (one.queues, one.concurrency, one.app) == (("default",), 3, "")
        assert one.memory > 2**20
        assert one.loop_lag >= 0
        assert one.expires_at > one.started_at
        go.set()
        await run.result(timeout=PATIENCE)
    assert await app.workers() == []


async def test_what_an_unknown_version_says_of_itself_is_left_out(app: App) -> None:
    info = WorkerInfo(
        worker="w", host="h", pid=1, queues=("q",), abilities=frozenset(), started_at=1.0, state=b"not ours"
    )
    await (await app._client.store()).register(info, seconds=60)
    [one] = await app.workers()
    assert (one.worker, one.running, one.memory, one.runs) == ("w", 0, 0, ())


async def flushed(app: App, *rows: Rollup) -> None:
    await (await app._client.store()).flush(rows, worker="w", number=1)


async def test_metrics_have_every_minute_and_the_spread_of_times(app: App) -> None:
    """B-176: also minutes with nothing; what failed apart."""
    await flushed(
        app,
        Rollup(minute=100, queue="q", task="t", succeeded=98, failed=2, waits=(90, 10), times=(0, 0, 99, 0, 1)),
        Rollup(minute=102, queue="q", task="t", retried=3, times=(0, 0, 0, 0, 0, 0, 3)),
        Rollup(minute=102, queue="other", task="u", cancelled=1),
        Rollup(minute=50, queue="q", task="t", succeeded=1000),
    )
    seen = await app.metrics("4m", until=103 * 60.0)
    assert [(one.at, one.succeeded, one.failed, one.cancelled, one.retried) for one in seen.minutes] == [
        (99 * 60.0, 0, 0, 0, 0),
        (100 * 60.0, 98, 2, 0, 0),
        (101 * 60.0, 0, 0, 0, 0),
        (102 * 60.0, 0, 0, 1, 3),
    ]
    assert (seen.since, seen.until, seen.succeeded, seen.failed) == (99 * 60.0, 103 * 60.0, 98, 2)
    assert (seen.wait.n, seen.wait.p50, seen.wait.p90, seen.wait.p99) == (100, 0.001, 0.001, 0.002)
    assert (seen.time.n, seen.time.p50, seen.time.p99, seen.time.most) == (103, 0.004, 0.064, 0.064)
    assert [(one.task, one.queue, one.retried) for one in seen.tasks] == [("t", "q", 3), ("u", "other", 0)]
    assert seen.tasks[1].time.p50 is None
    assert [one.task for one in (await app.metrics("4m", until=103 * 60.0, queue="other")).tasks] == ["u"]
    assert (await app.metrics("4m", until=103 * 60.0, task="t")).cancelled == 0
    earlier = await app.metrics("50m", until=seen.since)
    assert earlier.succeeded == 1000  # the page before


@pytest.mark.parametrize("last", [0, "8d", -1, "soon"])
async def test_metrics_of_no_time_or_too_long_a_time_are_refused(app: App, last: Any) -> None:
    with pytest.raises(Invalid, match="last"):
        await app.metrics(last)


async def test_what_workers_settle_is_seen(app: App) -> None:
    @app.task(retry=Retry(2, delay=0))
    async def work(*, ctx: Context = inject()) -> None:
        if ctx.attempt == 1:
            raise OSError

    async with app.worker():
        await (await work.enqueue()).result(timeout=PATIENCE)
    seen = await app.metrics("10m")
    assert (seen.succeeded, seen.retried, seen.failed, len(seen.minutes)) == (1, 1, 0, 10)


def declaring(url: str, *tasks: str, name: str | None = "shop", cron: bool = False) -> App:
    """An app whose code declares these tasks."""
    app = App(url, name=name)
    for task in tasks:

        @app.task(name=task, limits=[Limit(2, name=f"limit-of-{task}")])
        async def work() -> None: ...

        if cron:
            app.cron("0 3 * * *", name=f"nightly-{task}")(work)
    return app


async def test_an_app_without_a_name_is_not_synchronised(app: App) -> None:
    """S4-01."""
    with pytest.raises(Invalid, match="name"):
        await app.sync()
    with pytest.raises(Invalid, match="name"):
        App("memory://", name="")
    assert await app.definitions() == []


async def test_the_store_is_brought_in_step_with_the_code(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-02, S4-03, S4-04, S2-36, S2-37: and said before, without changing anything."""
    async with declaring(url, "old", "new", cron=True) as app:
        store = await app._client.store()
        await store.register(None, [Definition(task="theirs", app="another")])
        planned = await app.sync(dry_run=True)
        assert (planned.definitions.stored, planned.limits.stored) == (("old", "new"), ("limit-of-old", "limit-of-new"))
        assert await app.schedules.all() == []
        assert await app.limits.all() == []
        done = await app.sync()
        assert done == planned
        assert done
        assert not await app.sync()
        assert [one.name for one in await app.schedules.all()] == ["nightly-new", "nightly-old"]
        assert [(one.name, one.n) for one in await app.limits.all()] == [("limit-of-new", 2), ("limit-of-old", 2)]
        known = {(one.app, one.task): one for one in await app.definitions()}
        assert known["shop", "new"].source.endswith("declaring.<locals>.work")
        assert known["shop", "new"].kind == "task"
        run = await app.enqueue("old")
        # from here on the code has no task `old` any more
        del app._client.versions["old", ""], app._client.handlers["old"]
        del app._client.schedules["nightly-old"]
        planned = await app.sync(dry_run=True)
        assert planned.definitions.removed == ()  # it was declared a moment ago
        assert planned.schedules.removed == ("nightly-old",)
        monkeypatch.setattr(synchronising, "GRACE", 0.0)
        assert (await app.sync(dry_run=True)).definitions.removed == ()  # a run waits for it
        await run.cancel()
        planned = await app.sync(dry_run=True)
        assert planned.definitions.removed == ("old",)
        assert len(await app.definitions()) == 3
        assert (await app.sync()).definitions.removed == ("old",)
        assert {(one.app, one.task) for one in await app.definitions()} == {("shop", "new"), ("another", "theirs")}
        assert (await run.status()).state == "cancelled"  # what has run stays readable
        assert await app.check() == []


async def test_what_a_live_worker_declares_is_not_taken_away(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S4-05: two versions of an app that synchronise in turns."""
    if url.startswith("memory"):
        pytest.skip("two apps have two memories")
    monkeypatch.setattr(synchronising, "GRACE", 0.0)
    older, newer = declaring(url, "old", "new", cron=True), declaring(url, "new", cron=True)
    async with older, newer, older.worker():

        async def declared() -> bool:
            return any("nightly-old" in one.schedules for one in await newer.workers())

        await until(declared)
        done = await newer.sync()
        assert done.definitions.removed == done.schedules.removed == ()
        assert {one.task for one in await newer.definitions()} == {"old", "new"}


def test_a_script_without_a_loop_does_the_same(url: str) -> None:
    app = declaring(url, "one")
    assert app.sync.synchronise().definitions.stored == ("one",)
    assert app.sync.workers() == []
    assert len(app.sync.metrics("3m").minutes) == 3
    app.sync.close()
