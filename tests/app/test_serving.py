"""An app beside an ASGI application: open while that serves, with a worker where its mode says so."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from penstock import App, Closed, Invalid
from penstock.app.where import Mode


@asynccontextmanager
async def served(application: Starlette) -> AsyncGenerator[None]:
    """The application, started up and shut down as a server does it."""
    async with application.router.lifespan_context(application):
        yield


def stocked(url: str, mode: Mode) -> tuple[App, Callable[[int], Awaitable[Any]]]:
    app = App(url, mode=mode)

    @app.task
    async def double(n: int) -> int:
        return 2 * n

    return app, double.enqueue


async def test_in_mode_both_what_a_request_enqueues_is_carried_out_here(url: str) -> None:
    """S2-01."""
    app, enqueue = stocked(url, "both")
    async with served(Starlette(lifespan=app.asgi_lifespan(concurrency=2))):
        run = await enqueue(4)
        assert await run.result(timeout=20) == 8
        assert len(await app.workers()) == 1
    with pytest.raises(Closed):
        await enqueue(1)


async def test_in_mode_enqueue_no_worker_stands_beside(url: str) -> None:
    """S2-02."""
    app, enqueue = stocked(url, "enqueue")
    async with served(Starlette(lifespan=app.asgi_lifespan())):
        run = await enqueue(4)
        assert await app.workers() == []
        assert (await run.status()).state == "queued"


async def test_it_fits_within_a_lifespan_of_the_users_own(url: str) -> None:
    app, enqueue = stocked(url, "both")
    seen: list[str] = []

    @asynccontextmanager
    async def own(application: Starlette) -> AsyncGenerator[None]:
        async with app.asgi_lifespan()(application):
            seen.append("open")
            yield
        seen.append("closed")

    for _ in range(2):  # a reload in one process
        async with served(Starlette(lifespan=own)):
            assert await (await enqueue(1)).result(timeout=20) == 2
    assert seen == ["open", "closed", "open", "closed"]


async def test_in_a_rehearsal_a_site_neither_opens_nor_works() -> None:
    app, enqueue = stocked("memory://", "both")
    async with app.testing() as stage:
        async with served(Starlette(lifespan=app.asgi_lifespan())):
            run = await enqueue(4)
            assert (await run.status()).state == "queued"
        await stage.drain()
        assert await run.result() == 8


def test_options_of_the_worker_are_checked_at_once(url: str) -> None:
    with pytest.raises(Invalid, match="concurrency="):
        App(url).asgi_lifespan(concurrency=0)
