"""The tasks of a small shop, for the site that enqueues them and the workers that carry them out."""

import asyncio
import os
from dataclasses import dataclass

import penstock
from penstock import App, Context, Retry

app = App(name="shop")


@dataclass
class Receipt:
    order: str
    cents: int


@app.task(queue="orders", retry=Retry(5, on=OSError), timeout="30s")
async def charge(order: str, cents: int, seconds: float = 0.0, *, ctx: Context = penstock.inject()) -> Receipt:
    ctx.progress(0.5, "asking the bank")
    await asyncio.sleep(seconds)  # stands for the bank, which takes its time ...
    line = f"{order} {cents}\n".encode()
    ledger = os.open(os.environ.get("LEDGER", "ledger.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(ledger, line)  # ... and for what it has written down
    finally:
        os.close(ledger)
    return Receipt(order, cents)
