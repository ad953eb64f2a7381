"""A report every night in Paris, a heartbeat every ten minutes, and a schedule that is made while the program runs.

Time is moved by hand here; with a worker it passes by itself, and whatever number of workers there is, each tick makes
one run.

Prints:

    report for 2027-01-16 09:00 CET
    beats: 216
    reminded anna
    made good: 3
"""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from penstock import App, Context, inject

PARIS = ZoneInfo("Europe/Paris")
app = App("memory://", name="shop")
beats: list[float | None] = []


@app.cron("0 9 * * *", tz="Europe/Paris", missed="latest", overlap="queue")
@app.task
async def report(*, ctx: Context = inject()) -> None:
    """The run knows the moment that it stands for, however late it starts."""
    assert ctx.nominal is not None
    print(f"report for {datetime.fromtimestamp(ctx.nominal, PARIS):%Y-%m-%d %H:%M %Z}")


@app.every("10m", overlap="allow")
def heartbeat(*, ctx: Context = inject()) -> None:
    beats.append(ctx.nominal)


@app.task
async def remind(who: str) -> None:
    print(f"reminded {who}")


async def main() -> None:
    async with app.testing() as stage:
        await stage.advance("36h")
        print(f"beats: {len(beats)}")
        await app.schedules.create("anna", remind.call("anna"), at=stage.now + 3600)
        await stage.advance("2h")
        await app.schedules.pause("report")
        print(f"made good: {await app.schedules.backfill('report', start=0, end=3 * 86_400)}")


asyncio.run(main())
