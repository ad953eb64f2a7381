"""The app that the processes of these tests serve and work for. Its store is named by PENSTOCK_URL."""

import asyncio
from typing import Any

import penstock
from penstock import App, Context

app = App(name="site")


@app.task
async def add(a: int, b: int = 2) -> int:
    return a + b


@app.task
async def anything(**named: Any) -> Any:
    return named


@app.task(queue="streams", crashes=1)
async def speak(count: int, size: int = 1, *, ctx: Context = penstock.inject()) -> None:
    """So many chunks of that size."""
    for number in range(count):
        ctx.emit(f"{number} ".ljust(size, "."))
        if number % 500 == 0:
            await ctx.flush()


@app.task(queue="streams", crashes=1)
async def hang(*, ctx: Context = penstock.inject()) -> None:
    """Begins, says so, and never ends."""
    ctx.emit("begun")
    await ctx.flush()
    await asyncio.Event().wait()
