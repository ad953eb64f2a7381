"""Our workflows of five steps each, all at once in one process; from before they are stored to their last result."""

import asyncio
import time

from benches.contenders.meter import Figures
from penstock import App

STEPS = 5
SLOTS = 1_000  # workflows at once in the worker


async def workflows(app: App, count: int) -> Figures:
    """So many workflows of no-op steps, the worker in this process."""

    @app.step
    async def step(number: int) -> int:
        return number

    @app.workflow
    async def five(number: int) -> int:
        for _ in range(STEPS):
            await step(number)
        return number

    async with app, app.worker(concurrency=SLOTS):
        await (await five.enqueue(-1)).result()
        began = time.monotonic()
        runs = await app.enqueue_many([five.call(number) for number in range(count)])
        results = await asyncio.gather(*(run.result() for run in runs))
        seconds = time.monotonic() - began
    if results != list(range(count)):
        raise RuntimeError("not what the workflows were asked for")
    return {"rate": count * STEPS / seconds}
