"""What a worker holds open while it works, and who gets it."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from penstock import App, Depends, Invalid
from penstock.testing import Rehearsal


class Pool:
    """Something that is opened once and used by many."""

    def __init__(self) -> None:
        self.open = True


def connect() -> int:
    raise ConnectionError("no database")


def stocked(app: App) -> list[str]:
    """The app's lifespans: what happens to them, in order."""
    seen: list[str] = []

    @app.lifespan
    async def pool() -> AsyncGenerator[Pool]:
        seen.append("pool")
        made = Pool()
        try:
            yield made
        finally:
            made.open = False
            seen.append("pool left")

    @app.lifespan
    def settings() -> Generator[dict[str, int]]:
        seen.append("settings")
        yield {"n": 40}
        seen.append("settings left")

    def number(*, settings: dict[str, int] = Depends(settings)) -> int:
        return settings["n"]

    @app.task
    async def task(n: int, *, pool: Pool = Depends(pool), number: int = Depends(number)) -> int:
        assert pool.open
        return n + number

    @app.task
    def in_thread(n: int, *, pool: Pool = Depends(pool), number: int = Depends(number)) -> int:
        assert pool.open
        return n + number

    assert (task.name, in_thread.name) == ("task", "in_thread")
    return seen


async def test_a_lifespan_is_entered_before_the_first_run_and_left_after_the_last(app: App) -> None:
    seen = stocked(app)
    runs = [await app.enqueue(name, n=2) for name in ("task", "in_thread")]
    async with app.worker():
        assert await asyncio.gather(*(run.result(timeout=20) for run in runs)) == [42, 42]
        assert seen == ["pool", "settings"]
    assert seen == ["pool", "settings", "settings left", "pool left"]
    await app.worker(burst=True).run()
    assert seen[4:] == seen[:4]


async def test_each_worker_has_its_own(app: App) -> None:
    made: list[object] = []

    @app.lifespan
    @asynccontextmanager
    async def own() -> AsyncGenerator[object]:
        made.append(object())
        yield made[-1]

    @app.lifespan
    @contextmanager
    def other() -> Any:
        yield 7

    @app.task
    async def task(*, own: object = Depends(own), other: int = Depends(other)) -> int:
        assert own in made
        return other

    async with app.worker(), app.worker():
        runs = await app.enqueue_many([task.call() for _ in range(20)])
        assert await asyncio.gather(*(run.result(timeout=20) for run in runs)) == [7] * 20
    assert len(made) == 2


async def test_a_worker_whose_lifespan_fails_does_not_start(app: App) -> None:
    """S1-17."""

    @app.lifespan
    async def broken() -> AsyncGenerator[int]:
        yield connect()

    @app.task
    async def task() -> None: ...

    run = await task.enqueue()
    with pytest.raises(ConnectionError, match="no database"):
        async with app.worker():
            pytest.fail("it has started")
    with pytest.raises(ConnectionError):
        await app.worker(burst=True).run()
    assert (await run.status()).state == "queued"
    assert app._client.workers == set()


async def test_a_lifespan_that_fails_at_the_end_is_heard_of(app: App) -> None:
    @app.lifespan
    async def broken() -> AsyncGenerator[int]:
        yield 1
        raise ConnectionError("it would not close")

    worker = app.worker()
    await worker.start()
    worker.stop()
    with pytest.raises(ConnectionError, match="would not close"):
        await worker.stopped()


async def test_a_task_enqueues_from_within_a_lifespan(app: App) -> None:
    """A lifespan belongs to the program: it may use the app before the first run and after the last."""
    done: list[str] = []

    @app.task
    async def note(word: str) -> None:
        done.append(word)

    @app.lifespan
    async def greeting() -> AsyncGenerator[None]:
        await note.enqueue("first")
        yield
        await note.enqueue("last")

    await app.worker(burst=True).run()
    assert done == ["first"]
    assert sum(one.n for one in await app.counts() if one.state == "queued") == 1


async def test_tests_replace_a_lifespan_and_share_the_others(rehearsed: App) -> None:
    seen = stocked(rehearsed)
    (pool, settings) = rehearsed._client.home.lifespans._lifespans
    async with rehearsed.testing(overrides={pool: Pool}) as stage:
        assert seen == ["settings"]
        for n in range(3):
            run = await rehearsed.enqueue("task", n=n)
            await stage.drain()
            assert await run.result() == 40 + n
        thread = await rehearsed.enqueue("in_thread", n=1)
        assert await thread.result() == 41
    assert seen == ["settings", "settings left"]
    async with rehearsed.testing(overrides={settings: lambda: {"n": 1}}):
        assert await (await rehearsed.enqueue("task", n=1)).result() == 2
    assert rehearsed._client.home.replaced == {}


async def test_a_rehearsal_whose_lifespan_fails_leaves_the_app_as_it_was(rehearsed: App) -> None:
    @rehearsed.lifespan
    async def broken() -> AsyncGenerator[int]:
        yield connect()

    before = rehearsed._client.stores
    with pytest.raises(ConnectionError):
        async with rehearsed.testing():
            pytest.fail("entered")
    assert rehearsed._client.stores is before


async def test_a_lifespan_registered_too_late_is_refused(app: App) -> None:
    async with app.worker():
        with pytest.raises(Invalid, match="lifespan="):

            @app.lifespan
            def late() -> Generator[None]:
                yield


def needs_an_argument(n: int) -> Generator[int]:
    yield n


@pytest.mark.parametrize("function", [7, needs_an_argument], ids=["a number", "needs an argument"])
def test_what_is_no_lifespan_is_refused(function: Any, rehearsed: App) -> None:
    with pytest.raises(Invalid):
        rehearsed.lifespan(function)


async def test_what_turns_out_to_be_none_keeps_the_worker_from_starting(app: App) -> None:
    @app.lifespan
    def plain() -> int:
        return 7

    with pytest.raises(Invalid, match="no context manager"):
        await app.worker().start()


def test_a_lifespan_is_one_once(rehearsed: App) -> None:
    @rehearsed.lifespan
    def one() -> Generator[None]:
        yield

    with pytest.raises(Invalid, match="already"):
        rehearsed.lifespan(one)


def test_what_a_worker_holds_open_is_not_given_to_another_process(rehearsed: App) -> None:
    @rehearsed.lifespan
    def lock() -> Generator[object]:
        yield threading.Lock()

    with pytest.raises(Invalid, match="executor="):

        @rehearsed.task(executor="process")
        def task(*, lock: object = Depends(lock)) -> None: ...


async def test_a_lifespan_of_another_app_is_a_provider_here(stage: Rehearsal, rehearsed: App) -> None:
    other = App("memory://")

    @other.lifespan
    def seven() -> Generator[int]:
        yield 7

    @rehearsed.task
    async def task(*, seven: int = Depends(seven)) -> int:
        return seven

    assert await (await task.enqueue()).result() == 7
