"""What a run that says much costs those beside it in the same worker: their rate with such a neighbour, and without.

In pairs, one after the other, so that a slow phase of the machine meets both.
"""

import asyncio
import time
from statistics import median
from typing import Final

from benches.contenders.meter import Figures
from penstock import App, Context, inject

PAIRS: Final = 5
QUIET: Final = 10  # runs at once beside the one that speaks
LASTS: Final = 0.02  # seconds of each of these
PORTION: Final = 500  # lines that the one that speaks emits before it waits for them to be stored


async def chatty(app: App, lines: int) -> Figures:
    """The share of their rate that the others keep beside a run that emits so many lines; and lines a second."""
    ratios: list[float] = []
    spoken: list[float] = []

    @app.task(queue="quiet")
    async def quiet() -> None:
        await asyncio.sleep(LASTS)

    @app.task(queue="loud")
    async def loud(count: int, *, ctx: Context = inject()) -> float:
        began = time.monotonic()
        for number in range(count):
            ctx.emit({"line": number, "text": "so it goes, and so it goes on"})
            if number % PORTION == PORTION - 1:
                await ctx.flush()
        return count / (time.monotonic() - began)

    async def rate_until(over: asyncio.Event) -> float:
        """Keep so many runs going until it is over; how many ended in a second."""
        ended = 0

        async def one_after_another() -> None:
            nonlocal ended
            while not over.is_set():
                await (await quiet.enqueue()).result()
                ended += 1

        began = time.monotonic()
        await asyncio.gather(*(one_after_another() for _ in range(QUIET)))
        return ended / (time.monotonic() - began)

    async with app, app.worker(queues=["quiet", "loud"], concurrency=QUIET + 1):
        await (await quiet.enqueue()).result()
        for _ in range(PAIRS):
            over = asyncio.Event()
            beside = asyncio.create_task(rate_until(over))
            began = time.monotonic()
            spoken.append(await (await loud.enqueue(lines)).result())
            over.set()
            with_it = await beside
            over = asyncio.Event()
            asyncio.get_running_loop().call_later(time.monotonic() - began, over.set)
            ratios.append(with_it / await rate_until(over))
    return {"ratio": median(ratios), "lines_per_s": median(spoken)}
