"""Schedules as users have them: declared above tasks, made at run time, steered by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from penstock import App, Context, inject
from penstock.app import schedules_static
from penstock.core.errors import Invalid, InvalidInput, NotFound
from penstock.core.leases import Ability
from penstock.core.registry import WorkerInfo
from penstock.core.views import Filter
from penstock.engine.registration import Numbers
from penstock.testing import Rehearsal

HOUR = 3600.0


async def until(there: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is so."""
    async with asyncio.timeout(20):
        while not await there():  # noqa: ASYNC110 (what others do to the store)
            await asyncio.sleep(0.01)


def named(url: str, name: str = "shop") -> App:
    return App(url, name=name)


async def nominals(app: App, schedule: str) -> list[float]:
    store = await app._client.store()
    return sorted(run.nominal_at or 0.0 for run in (await store.find(Filter(schedule=schedule))).items)


async def test_a_task_runs_at_each_tick() -> None:
    """The run sees the moment that it stands for."""
    seen: list[float | None] = []
    app = App("memory://", name="shop")

    @app.cron("0 * * * *")
    @app.task
    async def hourly(*, ctx: Context = inject()) -> None:
        seen.append(ctx.nominal)

    async with app.testing() as stage:
        await stage.advance("3h")
        start = stage.now // HOUR * HOUR
        assert seen == [start - 2 * HOUR, start - HOUR, start]


async def test_a_bare_function_becomes_a_task() -> None:
    app = App("memory://", name="shop")
    seen: list[str] = []

    @app.cron("0 0 * * *", name="eu", arguments={"region": "eu"})
    @app.cron("0 12 * * *", name="us", arguments={"region": "us"}, tz="America/New_York")
    def report(region: str) -> None:
        seen.append(region)

    assert app.tasks == {"report": "default"}
    async with app.testing() as stage:
        await stage.advance("24h")
    assert sorted(seen) == ["eu", "us"]


async def test_an_interval_is_declared_alike() -> None:
    app = App("memory://", name="shop")
    seen: list[int] = []

    @app.every("10m", overlap="allow")
    @app.task
    async def often() -> None:
        seen.append(1)

    async with app.testing() as stage:
        await stage.advance("1h")
    assert len(seen) == 6


def test_what_is_refused_is_refused_where_it_is_said() -> None:
    """S2-38."""
    app = App("memory://", name="shop")

    @app.task
    async def work(n: int = 1) -> None: ...

    with pytest.raises(Invalid, match="cron"):
        app.cron("* * *")(work)
    with pytest.raises(Invalid, match="overlap"):
        app.cron("* * * * *", overlap="wait")(work)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidInput, match="m"):
        app.cron("* * * * *", arguments={"m": 1})(work)
    with pytest.raises(Invalid, match="delay"):
        app.cron("* * * * *")(work.opts(delay="1m"))
    with pytest.raises(Invalid, match="key"):
        app.cron("* * * * *")(work.opts(key="k"))
    app.cron("* * * * *")(work)
    with pytest.raises(Invalid, match="another schedule"):
        app.cron("0 * * * *")(work)
    with pytest.raises(Invalid, match="App\\(name"):
        App("memory://").cron("* * * * *")


def declaring(url: str, *names: str, app_name: str = "shop", cron: str = "0 0 1 1 *") -> App:
    """An app with these schedules of one task."""
    app = named(url, app_name)

    @app.task
    async def work() -> None: ...

    for name in names:
        app.cron(cron, name=name)(work)
    return app


async def test_workers_bring_the_store_in_step_with_the_code(app: App, url: str) -> None:
    """S2-36: as often as they start."""
    shop = declaring(url, "a", "b")
    for _ in range(2):
        async with shop.worker():
            pass
    found = await shop.schedules.all()
    assert [(one.name, one.app, one.revision) for one in found] == [("a", "shop", 1), ("b", "shop", 1)]
    await shop.close()


async def test_a_restart_keeps_the_next_tick(url: str) -> None:
    """C4: who restarts more often than it ticks still sees it tick."""
    shop = named(url)

    @shop.every("1s", overlap="allow")
    @shop.task
    async def work() -> None: ...

    await shop.schedules.synchronise()
    before = await shop.schedules.get("work")
    again = named(url)

    @again.every("1s", overlap="allow", missed=5)
    @again.task(name="work")
    async def also() -> None: ...

    if url.startswith("memory"):  # a store of its own
        await again.close()
        return
    await again.schedules.synchronise()
    after = await again.schedules.get("work")
    assert (after.next_at, after.missed, after.revision) == (before.next_at, 5, 2)
    await again.close()
    await shop.close()


async def test_what_the_code_no_longer_declares_goes(url: str) -> None:
    """S2-37, S4-03: not while a live worker declares it, and never another app's, nor one made at run time."""
    old = declaring(url, "gone", "kept")
    other = declaring(url, "theirs", app_name="blog")
    store = await old._client.store()
    other._client.stores = old._client.stores
    await old.schedules.synchronise()
    await other.schedules.synchronise()
    await other.schedules.create("dynamic", other.call("work", unchecked=True), every="1h")
    new = declaring(url, "kept")
    new._client.stores = old._client.stores
    alive = WorkerInfo(
        worker="old",
        host="h",
        pid=1,
        queues=("default",),
        abilities=frozenset({Ability(task="work")}),
        started_at=0.0,
        app="shop",
        state=numbers_of("gone", "kept"),
    )
    await store.register(alive, seconds=60.0)
    assert (await new.schedules.synchronise()).removed == ()
    await store.register(alive, seconds=0.0)
    assert (await new.schedules.synchronise(dry_run=True)).removed == ("gone",)
    assert (await new.schedules.synchronise()).removed == ("gone",)
    assert [one.name for one in await new.schedules.all()] == ["dynamic", "kept", "theirs"]
    await old.close()


def numbers_of(*schedules: str) -> bytes:
    return msgspec.json.encode(Numbers(concurrency=1, running=0, waiting=0, loop_lag=0.0, runs=(), schedules=schedules))


async def test_a_worker_removes_what_is_gone_after_a_while(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules_static, "GRACE", 0.05)
    old = declaring(url, "gone", "kept")
    await old.schedules.synchronise()
    new = declaring(url, "kept")
    new._client.stores = old._client.stores
    async with new.worker():

        async def gone() -> bool:
            return [one.name for one in await new.schedules.all()] == ["kept"]

        await until(gone)
    await old.close()


async def test_a_name_that_is_taken_is_refused(url: str) -> None:
    shop = declaring(url, "a")
    await shop.schedules.create("b", shop.named("work", unchecked=True).call(), every="1h")
    await shop.schedules.synchronise()
    taken = declaring(url, "b")
    taken._client.stores = shop._client.stores
    with pytest.raises(Invalid, match="made at run time"):
        await taken.schedules.synchronise()
    with pytest.raises(Invalid, match="declares"):
        await shop.schedules.create("a", shop.named("work", unchecked=True).call(), every="1h")
    with pytest.raises(Invalid, match="declares"):
        await shop.schedules.edit("a", every="1h")
    await shop.close()


async def test_a_schedule_made_at_run_time(app: App) -> None:
    """B-153, B-155: created, edited, paused, resumed, deleted."""

    @app.task
    async def report(region: str) -> None: ...

    made = await app.schedules.create("eu", report.call("eu"), cron="0 9 * * mon-fri", tz="Europe/Paris")
    assert (made.name, made.app, made.task, made.when) == ("eu", "", "report", "0 9 * * mon-fri Europe/Paris")
    assert (made.missed, made.overlap, made.paused) == ("latest", "skip", False)
    again = await app.schedules.create("eu", report.call("eu"), cron="0 9 * * mon-fri", tz="Europe/Paris")
    assert again == made
    edited = await app.schedules.edit("eu", missed="skip", jitter="1m")
    assert (edited.when, edited.missed, edited.jitter, edited.next_at) == (made.when, "skip", 60.0, made.next_at)
    other = await app.schedules.edit("eu", report.call("us"), every="1h")
    assert (other.when, other.missed, other.revision) == ("every 3600s", "skip", 3)
    await app.schedules.pause("eu")
    assert (await app.schedules.get("eu")).paused
    await app.schedules.resume("eu")
    assert not (await app.schedules.get("eu")).paused
    assert await app.schedules.delete("eu")
    assert not await app.schedules.delete("eu")
    with pytest.raises(NotFound):
        await app.schedules.get("eu")


async def test_many_who_create_at_once_make_one(app: App) -> None:
    """B-153: also with different words; the last one stands, whole."""

    @app.task
    async def work(n: int) -> None: ...

    await asyncio.gather(*(app.schedules.create("s", work.call(n), every=f"{n + 1}h") for n in range(10)))
    [one] = await app.schedules.all()
    hours = float(one.when.removeprefix("every ").removesuffix("s")) / HOUR
    run = await app.schedules.trigger("s")
    assert (await run.status()).input == {"n": int(hours) - 1}


async def test_a_schedule_is_triggered_by_hand(app: App) -> None:
    """B-159: beside its ticks, which go on."""

    @app.task
    async def work() -> None: ...

    made = await app.schedules.create("s", work.call(), every="1h")
    run = await app.schedules.trigger("s")
    assert run.created
    assert (await app.schedules.get("s")).next_at == made.next_at
    with pytest.raises(NotFound):
        await app.schedules.trigger("t")


async def test_ticks_of_the_past_are_made_good(app: App) -> None:
    """Each once, however often it is asked."""

    @app.task
    async def work() -> None: ...

    await app.schedules.create("s", work.call(), cron="0 0 * * *")
    assert await app.schedules.backfill("s", start=0.0, end=9 * 86_400.0) == 10
    assert await app.schedules.backfill("s", start=5 * 86_400.0, end=11 * 86_400.0) == 2
    assert await nominals(app, "s") == [day * 86_400.0 for day in range(12)]
    with pytest.raises(Invalid):
        await app.schedules.backfill("s", start=5.0, end=4.0)


async def test_real_workers_fire(worked: App) -> None:
    done: list[float | None] = []

    @worked.task
    async def work(*, ctx: Context = inject()) -> None:
        done.append(ctx.nominal)

    await worked.schedules.create("s", work.call(), every=1.0, overlap="queue")

    async def twice() -> bool:
        return len(done) >= 2

    await until(twice)
    await worked.schedules.delete("s")
    assert len(set(done)) == len(done)


async def test_a_one_off_fires_once(stage: Rehearsal, rehearsed: App) -> None:
    done: list[Any] = []

    @rehearsed.task
    async def work() -> None:
        done.append(1)

    await rehearsed.schedules.create("once", work.call(), at=stage.now + 90)
    await stage.advance("1h")
    assert done == [1]
    assert (await rehearsed.schedules.get("once")).next_at is None


def test_the_same_verbs_without_a_loop(url: str) -> None:
    app = named(url)

    @app.task
    def work(n: int = 1) -> None: ...

    schedules = app.schedules.sync
    made = schedules.create("s", work.call(), every="1h")
    assert schedules.edit("s", work.call(2), jitter="1m").revision == 2
    schedules.pause("s")
    assert schedules.get("s").paused
    schedules.resume("s")
    assert schedules.trigger("s").status().input == {"n": 2}
    assert schedules.backfill("s", start=0, end=7200) == 3
    assert [one.name for one in schedules.all()] == [made.name]
    assert schedules.synchronise().removed == ()
    assert schedules.delete("s")
    app.sync.close()


async def test_draining_and_cleaning_leave_schedules_alone(app: App) -> None:
    """B-145, B-160: there is no next run to lose; `delete` ends it and says whether there was one."""

    @app.task
    async def work() -> None: ...

    made = await app.schedules.create("s", work.call(), every="1h")
    await (await app.schedules.trigger("s")).cancel()
    await app.schedules.trigger("s")
    assert await app.drain("default", delayed=True) == 1
    assert await app.clean(older_than=0, state="cancelled") == 1
    assert await app.schedules.get("s") == made
    assert await app.schedules.delete("s")
    assert not await app.schedules.delete("s")
