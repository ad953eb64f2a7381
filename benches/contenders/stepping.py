"""Our workflows: steps of many at once in one process, and what a wake takes after many steps."""

import asyncio
import time
from statistics import median

from benches.contenders.meter import Figures
from penstock import App, Signal, State, wait

STEPS = 5
SLOTS = 1_000  # workflows at once in the worker
ROUNDS = 3  # of few steps and many, in turns


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


async def replays(app: App, steps: int) -> Figures:
    """What a wake takes after so many steps, of what it takes after a tenth: from its signal to the run's result."""
    go_on = Signal("go-on", int)

    @app.step
    async def step(number: int) -> int:
        return number

    @app.workflow
    async def recorded(count: int) -> int:
        for number in range(count):
            await step(number)
        return await wait(go_on)

    took: dict[int, list[float]] = {steps // 10: [], steps: []}
    async with app, app.worker():
        for count in sorted(took) * ROUNDS:
            run = await recorded.enqueue(count)
            while (await run.status()).state is not State.WAITING:  # noqa: ASYNC110 (nothing rings for this)
                await asyncio.sleep(0.01)
            began = time.monotonic()
            await run.signal(go_on, 1)
            await run.result()
            took[count].append(time.monotonic() - began)
    few, many = (median(took[count]) for count in sorted(took))
    return {"ratio": many / few, "wake_ms": many * 1e3}
