"""Another input before a run starts: it counts for other limits, and takes its turn with others."""

import pytest

from penstock import App, Fair, Limit, Run
from penstock.core.errors import Invalid


async def keys_of(app: App, run: Run[None]) -> tuple[dict[str, str], str | None, int]:
    stored = await (await app._client.store()).get([run.id])
    assert stored[0] is not None
    return {one.name: one.key for one in stored[0].limits}, stored[0].fair, stored[0].weight


async def test_limits_and_turn_follow_from_the_new_arguments(app: App) -> None:
    @app.task(limits=Limit(1, per="tenant", name="tenants"), fair=Fair("tenant", weights={"b": 3}))
    async def work(tenant: str, n: int = 0) -> None: ...

    run = await work.enqueue("a")
    await run.update_input("b", n=1)
    assert await keys_of(app, run) == ({"tenants": "b"}, "b", 3)
    await run.update_input("a")
    assert await keys_of(app, run) == ({"tenants": "a"}, "a", 1)


async def test_what_the_call_had_named_stays(app: App) -> None:
    @app.task(limits=[Limit(1, per="tenant", name="tenants"), Limit(5, name="all")], fair="tenant")
    async def work(tenant: str) -> None: ...

    named = work.opts(limit_keys={"tenants": "special"}, fair=lambda given: f"of {given['tenant']}")
    run = await named.enqueue("a")
    await run.update_input("b")
    assert await keys_of(app, run) == ({"tenants": "special", "all": ""}, "of a", 1)


async def test_a_full_key_holds_it_up_and_the_old_one_goes_on(app: App) -> None:
    started: list[tuple[str, int]] = []

    @app.task(limits=Limit(1, per="tenant", name="tenants"))
    async def work(tenant: str, n: int) -> None:
        started.append((tenant, n))

    first = await work.enqueue("a", 1)
    second = await work.enqueue("a", 2)
    third = await work.enqueue("b", 3)
    await second.update_input("b", 2)
    async with app.worker(concurrency=10):
        for run in (first, second, third):
            await run.result(timeout=30)
    assert sorted(started) == [("a", 1), ("b", 2), ("b", 3)]
    assert started.index(("b", 2)) < started.index(("b", 3))  # its rank is kept


async def test_who_has_not_the_code_asks_in_the_same_manner(url: str) -> None:
    app = App(url, name="shop")

    @app.task(limits=Limit(1, per="tenant", name="tenants"), fair=Fair("tenant", weights={"b": 2}))
    async def work(tenant: str) -> None: ...

    @app.task(limits=Limit(1, per=lambda given: given["tenant"], name="called"))
    async def called(tenant: str) -> None: ...

    async with app.worker(queues=["nothing"]):
        run, other = await work.enqueue("a"), await called.enqueue("a")
    caller = App(url)
    caller._client.stores = app._client.stores
    await caller.run(run.id).update_input(tenant="b")
    assert await keys_of(app, run) == ({"tenants": "b"}, "b", 2)
    with pytest.raises(Invalid, match="not here"):
        await caller.run(other.id).update_input(tenant="b")
    await app.close()
