"""Fairness as users say it: the values of a parameter take turns, with weights, by code and by name."""

import pytest

from penstock import App, Fair, Limit, options
from penstock.core.errors import Invalid
from penstock.testing import Rehearsal


async def test_tenants_take_turns(stage: Rehearsal, rehearsed: App) -> None:
    seen: list[str] = []

    @rehearsed.task(fair="tenant")
    async def work(tenant: str = "none", n: int = 0) -> None:
        seen.append(f"{tenant}{n}")

    await rehearsed.enqueue_many([work.call("a", n) for n in range(3)])
    await rehearsed.enqueue_many([work.call("b", n) for n in range(2)])
    await work.enqueue()
    await stage.drain()
    assert seen == ["a0", "b0", "none0", "a1", "b1", "a2"]


async def test_weights_and_functions(app: App) -> None:
    @app.task(fair=Fair(lambda given: given["order"]["shop"], weights={"big": 3}))
    async def by_function(order: dict[str, str]) -> None: ...

    @app.task(fair=Fair("n", weights={7: 2}))
    async def by_number(n: int) -> None: ...

    new = by_function.call({"shop": "big"}).new
    assert (new.fair, new.weight) == ("big", 3)
    new = by_function.call({"shop": "small"}).new
    assert (new.fair, new.weight) == ("small", 1)
    new = by_number.call(7).new
    assert (new.fair, new.weight) == ("7", 2)
    assert (by_number.opts(fair=None).call(7).new.fair, by_number.call(8).new.weight) == (None, 1)


async def test_queue_and_app_may_say_it(url: str) -> None:
    app = App(url, name="shop", queues={"reports": options(fair="tenant")})

    @app.task(queue="reports", limits=Limit(2, per="tenant"))
    async def report(tenant: str) -> None: ...

    assert report.call("a").new.fair == "a"
    assert [one.key for one in report.call("a").new.limits] == ["a"]
    await app.close()


async def test_who_has_not_the_code_is_fair_as_well(url: str) -> None:
    app = App(url, name="shop")

    @app.task(fair=Fair("tenant", weights={"a": 2}))
    async def work(tenant: str) -> None: ...

    @app.task(fair=lambda given: given["tenant"])
    async def called(tenant: str) -> None: ...

    async with app.worker():
        pass
    caller = App(url)
    caller._client.stores = app._client.stores
    store = await caller._client.store()
    run = await caller.enqueue("work", tenant="a")
    later = await caller.enqueue("work", tenant="a")
    third = await caller.enqueue("work", tenant="a")
    async with app.worker(queues=["nothing"]):  # somebody who could run it, but does not serve the queue
        assert [found and found.reason for found in [await store.why(one.id) for one in (run, later, third)]][
            2
        ] == "fair"
    with pytest.raises(Invalid, match="not here"):
        await caller.enqueue("called", tenant="a")
    assert (await caller.named("called").opts(fair=None).enqueue(tenant="a")).created
    await app.close()


async def test_what_is_refused_is_refused_where_it_is_said(app: App) -> None:
    with pytest.raises(Invalid, match="tenant"):

        @app.task(fair="tenant")
        async def nothing(n: int) -> None: ...

    for wrong in (3, ["tenant"]):
        with pytest.raises(Invalid, match="fair"):
            options(fair=wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    for weight in (0, 101, 1.5, True):
        with pytest.raises(Invalid, match="weights"):
            Fair("tenant", weights={"a": weight})  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    with pytest.raises(Invalid, match="weights"):
        Fair("tenant", weights=3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
