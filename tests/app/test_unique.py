"""Deduplication: one run at a time for the same input, or for a part of it."""

import asyncio
from typing import Any

import pytest

from penstock import App, Retry, RunFailed, Unique, options
from penstock.core.errors import Invalid
from penstock.core.requests import Group
from penstock.testing import Rehearsal


async def test_the_same_asked_again_is_the_run_that_is_there(app: App) -> None:
    @app.task(unique=Unique())
    async def work(n: int, note: str = "") -> None: ...

    first = await work.enqueue(1)
    again = await work.enqueue(n=1)
    other = await work.enqueue(2)
    assert (first.created, again.created, other.created) == (True, False, True)
    assert again.id == first.id
    assert other.id != first.id


async def test_a_part_of_the_input_decides(app: App) -> None:
    """The first one's input stands, and nothing conflicts."""

    @app.task(unique=Unique(by="order"))
    async def by_parameter(order: int = 7, note: str = "") -> None: ...

    @app.task(unique=Unique(by=lambda given: given["order"]["id"]))
    async def by_function(order: dict[str, Any]) -> None: ...

    first = await by_parameter.enqueue(7, note="a")
    assert (await by_parameter.enqueue(7, note="b")).id == first.id
    assert (await by_parameter.enqueue()).id == first.id
    assert (await by_parameter.enqueue(8)).created
    assert (await first.status()).input == {"order": 7, "note": "a"}
    one = await by_function.enqueue({"id": 1, "x": 1})
    assert (await by_function.enqueue({"id": 1, "x": 2})).id == one.id


async def test_of_many_at_once_one_is_stored(app: App) -> None:
    """B-053."""

    @app.task(unique=Unique())
    async def work(n: int) -> None: ...

    runs = await asyncio.gather(*(work.enqueue(1) for _ in range(20)))
    assert len({run.id for run in runs}) == 1
    assert [run.created for run in runs].count(True) == 1


@pytest.mark.parametrize("fails", [False, True], ids=["succeeded", "failed"])
async def test_it_stands_until_the_run_has_finished(stage: Rehearsal, rehearsed: App, fails: bool) -> None:
    """Retries included, and not a moment longer."""

    @rehearsed.task(unique=Unique(), retry=Retry(2, delay="1m", jitter=0))
    async def work() -> None:
        if fails:
            raise OSError

    first = await work.enqueue()
    await stage.drain()
    second = await work.enqueue()
    assert second.created is not fails
    await stage.advance("10m")
    assert (await work.enqueue()).created
    if fails:
        with pytest.raises(RunFailed):
            await first.result()


async def test_a_call_may_say_otherwise(app: App) -> None:
    @app.task(unique=Unique())
    async def work(n: int) -> None: ...

    first = await work.enqueue(1)
    assert (await work.opts(unique=None).enqueue(1)).created
    assert (await work.opts(key="k").enqueue(1)).created
    assert (await work.enqueue(1)).id == first.id

    @app.task
    async def plain(n: int) -> None: ...

    one = await plain.opts(unique=Unique(by="n")).enqueue(1)
    assert (await plain.opts(unique=Unique(by="n")).enqueue(1)).id == one.id
    assert (await plain.enqueue(1)).created


async def test_who_has_not_the_code_meets_the_same_run(url: str) -> None:
    app = App(url, name="shop")

    @app.task(unique=Unique(by="n"))
    async def work(n: int = 3, note: str = "") -> None: ...

    @app.task(unique=Unique(by=lambda given: given["n"]))
    async def called(n: int) -> None: ...

    async with app.worker():
        pass
    first = await work.enqueue(3)
    caller = App(url)
    caller._client.stores = app._client.stores
    assert (await caller.enqueue("work", n=3, note="x")).id == first.id
    assert (await caller.enqueue("work")).id == first.id
    with pytest.raises(Invalid, match="not here"):
        await caller.enqueue("called", n=1)
    assert (await caller.named("called").opts(unique=None).enqueue(n=1)).created
    await app.close()


async def test_what_is_refused_is_refused_where_it_is_said(app: App) -> None:
    with pytest.raises(Invalid, match="order"):

        @app.task(unique=Unique(by="order"))
        async def nothing(n: int) -> None: ...

    with pytest.raises(Invalid, match="by"):
        Unique(by=3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(Invalid, match="unique"):
        options(unique=True)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

    @app.task(unique=Unique())
    async def work() -> None: ...

    with pytest.raises(Invalid, match="unique"):
        App("memory://", name="shop").every("1h")(work)
    store = await app._client.store()
    new = work.call().new
    assert new.key is not None
    assert (new.key.ttl, len(Group(runs=(new,)).runs)) == (0.0, 1)
    assert await store.check() == []
