"""The tasks of a workshop that makes things to order, for the site that takes the orders and the workers elsewhere."""

import asyncio

import penstock
from penstock import App, Context

app = App(name="workshop")
STEPS = ("cut the boards", "plane them", "join them", "sand the top", "oil it")


@app.task(queue="orders", timeout="5m")
async def make(thing: str, seconds: float = 1.0, *, ctx: Context = penstock.inject()) -> str:
    for done, step in enumerate(STEPS):
        ctx.progress((done, len(STEPS)), step)
        await asyncio.sleep(seconds)  # stands for the work
        ctx.log(f"{step}: done")
    ctx.progress((len(STEPS), len(STEPS)), "ready")
    return f"one {thing}"
