"""A schedule here, its runs there: ticks posted by one app and taken by another, over real connections."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import App, DispatchFailed, Retry, RunFailed
from tests.web.house import PATIENCE, House

SECRET = "a secret of enough characters"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path, PENSTOCK_DISPATCH_SECRET=SECRET)
    yield found
    found.close()


async def test_a_tick_becomes_one_run_of_the_other_app(house: House) -> None:
    """S2-40, S2-42, S2-48: signed, and the same tick sent twice is one run."""
    house.serve()
    url = f"http://127.0.0.1:{house.port}/api/v1/dispatch/rates"
    async with App("memory://", name="here") as app, app.worker():
        once = Retry(1, on=DispatchFailed)
        dispatcher = app.dispatcher(secret=SECRET, allow_private=["127.0.0.1"], retry=once)
        tick = dispatcher.call(url, "anything", {"rate": 1})
        await app.schedules.create("rates", tick, every="1h")
        assert await app.schedules.backfill("rates", start=1_700_000_000, end=1_700_007_000) == 2
        for _ in range(2):
            page = await app.runs(task="dispatch")
            for status in page.items:
                run = app.run(status.id)
                await run.result(timeout=PATIENCE)
                if status.life == 1:
                    await run.redrive()  # the answer was lost, or somebody is impatient
                    await run.result(timeout=PATIENCE)
        found = house.ask("GET", "/runs?task=anything")[1]["items"]
        assert len(found) == 2
        assert all("rate" in str(one["input"]) for one in found)
        stranger = app.dispatcher("stranger", secret=SECRET[::-1], allow_private=["127.0.0.1"], retry=once)
        [refused] = await app.enqueue_many([stranger.call(url, "anything", {})])
        with pytest.raises(RunFailed, match="401"):
            await refused.result(timeout=PATIENCE)
