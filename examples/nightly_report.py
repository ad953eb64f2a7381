"""A nightly report, and four nights in which no worker was up: what was missed is made good in the morning.

A schedule is a row in the store. The first worker that comes up again finds that its moment has passed and, as
`missed="latest"` says, stores one run for the newest tick; the run knows for which night it is. The older ticks are
counted as skipped, and can be made good by hand.

Prints:

    report for Sat 16 Jan, on time
    nobody works for four nights
    report for Wed 20 Jan, 6 h late
    fired 2, skipped 3
    made good: 3
    report for Sun 17 Jan, 78 h late
    report for Mon 18 Jan, 54 h late
    report for Tue 19 Jan, 30 h late
"""

import asyncio
from datetime import UTC, datetime

from penstock import App, Context, inject

app = App("memory://", name="reports")
stage = app.testing()  # the clock is moved by hand; everything else is as it would be


@app.cron("0 2 * * *", missed="latest", overlap="queue")
@app.task
async def report(*, ctx: Context = inject()) -> None:
    """Whatever depends on the night comes from the run's nominal moment, and nothing from the clock."""
    assert ctx.nominal is not None
    late = round((stage.now - ctx.nominal) / 3600)
    print(f"report for {datetime.fromtimestamp(ctx.nominal, UTC):%a %d %b}, {f'{late} h late' if late else 'on time'}")


async def main() -> None:
    async with stage:
        await stage.advance("1d")
        print("nobody works for four nights")
        await stage.outage("4d")
        await stage.advance("1s")
        standing = await app.schedules.get("report")
        print(f"fired {standing.fired}, skipped {standing.skipped}")
        night = 86_400
        print(f"made good: {await app.schedules.backfill('report', start=stage.now - 4 * night, end=stage.now)}")
        await stage.drain()


asyncio.run(main())
