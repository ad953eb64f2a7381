"""Deduplication in all its forms: until the start, for a time, debounced, with one run that follows."""

import asyncio

import pytest

from penstock import App, Retry, Run, RunFailed, Unique
from penstock.core.errors import Invalid
from penstock.core.state import State
from penstock.testing import Rehearsal


async def test_until_started(app: App) -> None:
    began, go = asyncio.Event(), asyncio.Event()

    @app.task(unique=Unique("page", until="started"))
    async def render(page: int) -> None:
        began.set()
        await go.wait()

    async with app.worker():
        first = await render.enqueue(1)
        await began.wait()
        second = await render.enqueue(1)
        assert second.created
        go.set()
        for run in (first, second):
            await run.result(timeout=30)


async def test_throttle(stage: Rehearsal, rehearsed: App) -> None:
    """B-135: at most one in that time, counted from the first."""
    done: list[int] = []

    @rehearsed.task(unique=Unique("user", every="1m"))
    async def digest(user: str, n: int) -> None:
        done.append(n)

    for n in range(13):
        await digest.enqueue("anna", n)
        await stage.advance("10s")
    assert done == [0, 6, 12]


async def test_debounce(stage: Rehearsal, rehearsed: App) -> None:
    """B-136: asked every 100 ms, it starts once, a second after the last, with the last input."""
    done: list[int] = []

    @rehearsed.task(unique=Unique("document", replace=True), delay="1s")
    async def index(document: str, n: int) -> None:
        done.append(n)

    runs: list[Run[None]] = []
    for n in range(20):
        runs.append(await index.enqueue("d", n))
        await stage.advance(0.1)
    assert done == []
    await stage.advance(1)
    assert done == [19]
    assert [run.created for run in runs] == [True] + [False] * 19
    assert len({run.id for run in runs}) == 1


@pytest.mark.parametrize("fails", [False, True], ids=["succeeds", "fails"])
async def test_follow(stage: Rehearsal, rehearsed: App, fails: bool) -> None:
    """B-138: asked 1 to 5 meanwhile, one more runs with 5, when the first has ended for good."""
    seen: list[int] = []

    @rehearsed.task(unique=Unique("account", follow=True), retry=Retry(2, delay="1m", jitter=0))
    async def sync(account: str, n: int) -> int:
        seen.append(n)
        if fails and n == 0:
            raise OSError
        return n

    first = await sync.enqueue("a", 0)
    if fails:
        await stage.drain()
    others = [await sync.enqueue("a", n) for n in range(1, 6)]
    assert [one.created for one in others] == [True] + [False] * 4
    assert len({one.id for one in others}) == 1
    assert (await others[0].status()).state is State.WAITING
    await stage.advance("2m")
    assert seen == ([0, 0, 5] if fails else [0, 5])
    assert await others[0].result() == 5
    if fails:
        with pytest.raises(RunFailed):
            await first.result()


async def test_a_run_may_give_up_its_key(app: App) -> None:
    """B-141."""

    @app.task(unique=Unique())
    async def work() -> None: ...

    first = await work.enqueue()
    assert await first.free_key()
    second = await work.enqueue()
    assert second.created
    assert not await first.free_key()
    assert not (await work.enqueue()).created


async def test_who_has_not_the_code_asks_in_the_same_manner(url: str) -> None:
    app = App(url, name="shop")

    @app.task(unique=Unique("n", until="started", every="1h"))
    async def work(n: int = 3) -> None: ...

    async with app.worker():
        pass
    caller = App(url)
    caller._client.stores = app._client.stores
    key = caller.named("work").call(n=3)
    first = await caller.enqueue("work", n=3)
    assert (await work.enqueue()).id == first.id
    assert key is not None
    await app.close()


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(Invalid, match="until"):
        Unique(until="now")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    for every in (0, -1, "soon"):
        with pytest.raises(Invalid, match="every"):
            Unique(every=every)
    with pytest.raises(Invalid, match="replace"):
        Unique(replace=1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    with pytest.raises(Invalid, match="follow"):
        Unique(follow=True, until="started")
    with pytest.raises(Invalid, match="follow"):
        Unique(follow=True, every="1m")
