"""A machine whose clock is wrong: what is due, leased or put off follows the store's clock, not the worker's."""

import asyncio
import time

import pytest

from penstock import App, Retry, context


@pytest.mark.parametrize("wrong_by", [60.0, -60.0])
async def test_a_worker_whose_clock_is_wrong_works_as_if_it_were_right(
    wrong_by: float, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """X-02. The store's clock was taken before: it is that of the server, or of the only machine."""
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + wrong_by)
    assert abs((await app.info()).now - right()) < 30
    begun: dict[str, list[float]] = {"later": [], "flaky": []}

    @app.task
    async def later() -> None:
        begun["later"].append(time.monotonic())

    @app.task(retry=Retry(2, delay="500ms", jitter=0))
    async def flaky() -> None:
        begun["flaky"].append(time.monotonic())
        if context().attempt == 1:
            raise OSError

    @app.task
    async def long() -> int:
        store = await app._client.store()
        first: float | None = None
        while True:  # until its lease has been moved on by several of its length
            [run] = await store.get([context().run_id])
            assert run is not None
            assert run.lease_expires_at is not None
            first = first or run.lease_expires_at
            if run.lease_expires_at - first > 2.5:
                return context().attempt
            await asyncio.sleep(0.05)

    async with app.worker(lease="1s"), app.worker(lease="1s"):
        asked = time.monotonic()
        held = await long.enqueue()
        delayed = await later.opts(delay="700ms").enqueue()
        expiring = await later.opts(expires="30s").enqueue()
        repeated = await flaky.enqueue()
        assert await held.result(timeout=30) == 1
        for run in (delayed, expiring, repeated):
            await run.result(timeout=30)
    assert (await held.status()).crashes == 0
    # none too early; too late by the minute that the clock is wrong would have been too late for the waits above
    assert max(begun["later"]) - asked > 0.69
    first, second = begun["flaky"]
    assert second - first > 0.49
