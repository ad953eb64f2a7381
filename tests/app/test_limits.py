"""Limits as users say them: on tasks, queues and the app, by a parameter or a function; other numbers at run time."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from penstock import App, Context, Limit, Options, Rate, Retry, RunCancelled, Snooze, inject, options
from penstock.core.errors import Invalid, InvalidInput, NotFound
from penstock.core.limits import LimitDef
from penstock.testing import Rehearsal


class Gauge:
    """How many are within at once, by key."""

    def __init__(self) -> None:
        self.now = Counter[str]()
        self.most = Counter[str]()

    async def within(self, key: str) -> None:
        self.now[key] += 1
        self.most[key] = max(self.most[key], self.now[key])
        await asyncio.sleep(0.01)
        self.now[key] -= 1


def app_at(url: str, **named: Any) -> App:
    return App(url, name="shop", **named)


async def finish(app: App, calls: list[Any]) -> None:
    async with app.worker(concurrency=20):
        runs = await app.enqueue_many(calls)
        for run in runs:
            await run.result(timeout=30)


async def test_no_more_than_n_of_a_key_run_at_once(url: str) -> None:
    """S4-36, S4-37: the keys do not hold each other up."""
    app, gauge = app_at(url), Gauge()

    @app.task(limits=Limit(2, per="tenant"))
    async def work(tenant: str) -> None:
        await gauge.within(tenant)

    await finish(app, [work.call(tenant) for tenant in "abc" for _ in range(8)])
    assert gauge.most == {"a": 2, "b": 2, "c": 2}
    assert [(one.name, one.n, one.used) for one in await app.limits.get("task.work.limit")][:1] == [
        ("task.work.limit", 2, 0)
    ]
    assert await app.check() == []
    await app.close()


async def test_a_function_of_the_arguments_finds_the_key(url: str) -> None:
    app, gauge = app_at(url), Gauge()

    @app.task(limits=Limit(1, per=lambda arguments: arguments["order"]["tenant"]))
    async def work(order: dict[str, str]) -> None:
        await gauge.within(order["tenant"])

    await finish(app, [work.call({"tenant": tenant}) for tenant in "ab" for _ in range(4)])
    assert gauge.most == {"a": 1, "b": 1}
    await app.close()


async def test_queue_and_app_and_task_all_count(url: str) -> None:
    app = app_at(
        url,
        defaults=options(limits=Limit(3, name="everything")),
        queues={"mail": options(limits=[Limit(2)])},
    )
    gauge = Gauge()

    @app.task(queue="mail")
    async def mail() -> None:
        await gauge.within("mail")

    @app.task(limits=Limit(1))
    async def single() -> None:
        await gauge.within("single")

    @app.task
    async def other() -> None:
        await gauge.within("other")

    await finish(app, [task.call() for task in (mail, single, other) for _ in range(6)])
    assert gauge.most["mail"] <= 2
    assert gauge.most["single"] == 1
    names = {one.name for one in await app.limits.all()}
    assert names == {"everything", "queue.mail.limit", "task.single.limit"}
    await app.close()


async def test_a_key_that_is_left_out_is_the_default(url: str) -> None:
    app = app_at(url)

    @app.task(limits=Limit(1, per="tenant"))
    async def work(tenant: str = "nobody") -> None: ...

    assert [ref.key for ref in work.call().new.limits] == ["nobody"]
    assert [ref.key for ref in work.call("a").new.limits] == ["a"]
    assert [ref.key for ref in work.opts(limit_keys={"task.work.limit": "z"}).call("a").new.limits] == ["z"]
    await app.close()


async def test_a_rate_counts_starts(stage: Rehearsal, rehearsed: App) -> None:
    """B-126: never more in any window, and the next as soon as one may."""
    starts: list[float] = []

    @rehearsed.task(limits=Rate(3, "10s"))
    async def work() -> None:
        starts.append(stage.now)

    for _ in range(10):
        await work.enqueue()
    await stage.advance("1m")
    assert len(starts) == 10
    assert all(starts[place + 3] - starts[place] >= 10 for place in range(7))
    assert starts[9] - starts[0] < 31


async def test_a_burst_spreads_the_starts(stage: Rehearsal, rehearsed: App) -> None:
    starts: list[float] = []

    @rehearsed.task(limits=Rate(6, "60s", burst=2))
    async def work() -> None:
        starts.append(stage.now)

    for _ in range(6):
        await work.enqueue()
    await stage.advance("2m")
    assert len(starts) == 6
    assert all(starts[place + 2] - starts[place] >= 20 for place in range(4))


async def test_a_full_limit_may_drop(url: str) -> None:
    app = app_at(url)
    begun, go = asyncio.Event(), asyncio.Event()

    @app.task(limits=Limit(1, full="drop"))
    async def work() -> None:
        begun.set()
        await go.wait()

    async with app.worker():
        first = await work.enqueue()
        await begun.wait()
        second = await work.enqueue()
        with pytest.raises(RunCancelled):
            await second.result(timeout=10)
        go.set()
        await first.result(timeout=10)
    await app.close()


async def test_a_full_limit_may_replace(url: str) -> None:
    app = app_at(url)
    begun, go = asyncio.Event(), asyncio.Event()

    @app.task(limits=Limit(1, full="replace"))
    async def work(n: int) -> int:
        begun.set()
        if n == 1:
            await go.wait()
        return n

    async with app.worker(lease="3s"):
        first = await work.enqueue(1)
        await begun.wait()
        second = await work.enqueue(2)
        assert await second.result(timeout=20) == 2
        with pytest.raises(RunCancelled):
            await first.result(timeout=10)
    await app.close()


async def test_numbers_change_at_run_time_and_stay_changed(url: str) -> None:
    """B-132, B-133: until the code says others than it did."""
    app, gauge = app_at(url), Gauge()

    @app.task(limits=Limit(1, name="work"))
    async def work() -> None:
        await gauge.within("")

    async with app.worker():
        pass
    assert [one.n for one in await app.limits.get("work")] == [1]
    await app.limits.set("work", n=3)
    await finish(app, [work.call() for _ in range(12)])
    assert gauge.most[""] == 3
    assert [one.n for one in await app.limits.get("work")] == [3]
    assert await app.limits.drop("work")
    assert not await app.limits.drop("work")
    with pytest.raises(NotFound):
        await app.limits.get("work")
    async with app.worker():
        pass
    assert await app.limits.all() == []

    newer = app_at(url)
    newer._client.stores = app._client.stores  # one store in memory, too

    @newer.task(name="work", limits=Limit(2, name="work"))
    async def work_again() -> None: ...

    async with newer.worker():
        pass
    assert [one.n for one in await newer.limits.get("work")] == [2]
    await app.close()


async def test_who_has_not_the_code_finds_the_key_as_well(url: str) -> None:
    app = app_at(url)

    @app.task(limits=[Limit(2, per="tenant", name="tenants"), Rate(100, "1m", per=lambda given: given["tenant"])])
    async def work(tenant: str) -> None: ...

    async with app.worker():
        pass
    caller = App(url)
    caller._client.stores = app._client.stores
    with pytest.raises(Invalid, match="keyed by code"):
        await caller.enqueue("work", tenant="a")
    run = await caller.named("work").opts(limit_keys={"task.work.rate.2": "a"}).enqueue(tenant="a")
    store = await app._client.store()
    [stored] = await store.get([run.id])
    assert stored is not None
    assert [(ref.name, ref.key) for ref in stored.limits] == [("tenants", "a"), ("task.work.rate.2", "a")]
    await app.close()


REFUSED: list[tuple[str, Any]] = [
    ("n", lambda: Limit(-1)),
    ("n", lambda: Limit(1.5)),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ("n", lambda: Rate(True, "1m")),
    ("per", lambda: Limit(1, per=3)),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ("full", lambda: Limit(1, full="queue")),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ("full", lambda: Rate(1, "1m", full="replace")),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ("period", lambda: Rate(1, 0)),
    ("burst", lambda: Rate(5, "1m", burst=6)),
    ("scope", lambda: Limit(1, scope="tenant")),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    ("name", lambda: Limit(1, name="a b")),
    ("limits", lambda: options(limits=[3])),  # type: ignore[list-item] # pyright: ignore[reportArgumentType]
]


@pytest.mark.parametrize(("parameter", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_limit_is_refused(parameter: str, said: Any) -> None:
    with pytest.raises(Invalid) as caught:
        said()
    assert caught.value.parameter == parameter


def test_what_contradicts_is_refused_where_it_is_said() -> None:
    app = App("memory://")
    with pytest.raises(Invalid, match="tenant"):

        @app.task(limits=Limit(1, per="tenant"))
        async def nothing(n: int) -> None: ...

    with pytest.raises(Invalid, match="name of its own"):

        @app.task(limits=[Limit(1, name="x"), Limit(2, name="x")])
        async def twice() -> None: ...

    with pytest.raises(Invalid, match="needs a name"):
        App("memory://", defaults=options(limits=Limit(1))).task(unlimited)

    @app.task
    async def work() -> None: ...

    with pytest.raises(Invalid, match="numbers are the task's"):
        work.opts(limits=Limit(1))
    with pytest.raises(Invalid, match="no limits"):
        work.opts(limit_keys={"a": "b"})


async def unlimited() -> None: ...


def test_a_definition_says_the_same_as_the_words() -> None:
    assert Limit(2, full="drop", hold=True).definition("l") == LimitDef(name="l", n=2, full="drop", hold=True)
    assert Rate(100, "1m").definition("r") == LimitDef(name="r", n=100, period=60.0)
    assert Rate(100, "1m", burst=10).definition("r") == LimitDef(name="r", n=10, period=6.0)
    assert Rate(10, "1m", burst=4).definition("r") == LimitDef(name="r", n=4, period=30.0)
    assert isinstance(options(limits=Limit(1)), Options)


async def test_a_scope_says_who_shares_a_limit() -> None:
    app = App("memory://", defaults=options(limits=Limit(9, scope="task")))

    @app.task(queue="mail", limits=[Limit(2, scope="queue"), Rate(5, "1s", scope="app", name="all")])
    async def send() -> None: ...

    @app.task(queue="mail", limits=Limit(2, scope="queue"))
    async def bounce() -> None: ...

    assert [one.name for one in send.call().new.limits] == ["task.send.limit", "queue.mail.limit", "all"]
    assert [one.name for one in bounce.call().new.limits] == ["task.bounce.limit", "queue.mail.limit"]
    elsewhere = send.opts(queue="slow").call()
    assert [one.name for one in elsewhere.new.limits] == ["task.send.limit", "queue.slow.limit", "all"]
    with pytest.raises(Invalid, match="needs a name"):

        @app.task(limits=Limit(2, scope="app"))
        async def nameless() -> None: ...


async def test_a_long_key_is_kept_by_its_hash(url: str) -> None:
    app = app_at(url)

    @app.task(limits=Limit(1, per="n"))
    async def work(n: list[int]) -> None: ...

    keys = [work.call([n] * 1000).new.limits[0].key for n in range(2)]
    assert len(set(keys)) == 2
    assert {len(key) for key in keys} == {64}
    assert work.call([1, 2]).new.limits[0].key == "[1, 2]"
    with pytest.raises(InvalidInput):
        work.call("x")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    await app.close()


def test_the_same_verbs_without_a_loop(url: str) -> None:
    app = app_at(url)
    limits = app.limits.sync
    limits.set("l", n=3, full="drop")
    assert [(one.name, one.n, one.full) for one in limits.get("l")] == [("l", 3, "drop")]
    assert limits.all() == limits.get("l")
    assert limits.drop("l")
    app.sync.close()


async def test_a_handler_that_is_told_to_slow_down_blocks_its_rate_for_all(stage: Rehearsal, rehearsed: App) -> None:
    """B-128: no attempt is used, and when it ends can be read."""
    began: list[tuple[float, int, int]] = []
    zero = stage.now

    @rehearsed.task(limits=Rate(100, "1s", name="api"))
    async def fetch(n: int, *, ctx: Context = inject()) -> int:
        began.append((stage.now - zero, n, ctx.attempt))
        if n == 0 and len(began) == 1:
            await ctx.limit.block("30s")
            raise Snooze("30s")
        return n

    runs = [await fetch.enqueue(0)]
    await stage.drain()
    runs += [await fetch.enqueue(n) for n in (1, 2)]
    await stage.drain()
    assert began == [(0, 0, 1)]
    [view] = await rehearsed.limits.get("api")
    assert view.blocked_until == pytest.approx(zero + 30)
    await stage.advance("31s")
    assert sorted((n, attempt) for _, n, attempt in began[1:]) == [(0, 1), (1, 1), (2, 1)]
    assert [at for at, _, _ in began[1:]] == pytest.approx([30.0] * 3)
    assert [await run.result() for run in runs] == [0, 1, 2]


async def test_code_in_threads_may_block_a_rate_of_its_key(app: App) -> None:
    @app.task(limits=[Rate(100, "1s", per="tenant", name="api"), Limit(5)])
    def fetch(tenant: str, *, ctx: Context = inject()) -> None:
        ctx.limit.sync.block("30s", "api", key=tenant)

    async with app.worker():
        await (await fetch.enqueue("a")).result(timeout=30)
    ends = {one.key: one.blocked_until is not None for one in await app.limits.get("api")}
    assert ends["a"]


async def test_a_run_without_such_a_rate_is_told_so(app: App) -> None:
    @app.task(limits=Limit(5), retry=Retry(1))
    async def work(name: str | None = None, *, ctx: Context = inject()) -> str:
        try:
            await ctx.limit.block("30s", name)
        except Invalid as error:
            return str(error)
        return "blocked"

    async with app.worker():
        assert "no rate" in await (await work.enqueue()).result(timeout=30)
        assert "no rate of that name" in await (await work.enqueue("other")).result(timeout=30)


async def test_a_task_is_paused_for_one_value(url: str) -> None:
    app = app_at(url)

    @app.task(limits=Limit(5, per="tenant"))
    async def work(tenant: str) -> str:
        return tenant

    async with app.worker():
        await app.limits.set("task.work.limit", n=5)
        await app.limits.pause("task.work.limit", "acme")
        stopped, going = await work.enqueue("acme"), await work.enqueue("other")
        assert await going.result(timeout=30) == "other"
        why = await stopped.why()
        assert why is not None
        assert (why.reason, why.detail) == ("pause", ("limit", "task.work.limit", "acme"))
        assert {one.key: one.paused for one in await app.limits.get("task.work.limit")}["acme"]
        assert [(one.kind, one.name) for one in await app.paused()] == [("limit", "task.work.limit:acme")]
        await app.limits.resume("task.work.limit", "acme")
        assert await stopped.result(timeout=30) == "acme"
    with pytest.raises(NotFound):
        await app.limits.pause("nothing", "acme")
    await app.close()
