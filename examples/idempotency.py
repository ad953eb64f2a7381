"""Asking twice, and doing once: keys for callers, an idempotency key for what a task calls.

Prints:

    first: created
    again: the same run, not created
    other input: KeyConflict
    attempts: 2, charges: 1
"""

import asyncio

import penstock
from penstock import App, Context, KeyConflict, Retry

app = App()
charges: dict[str, int] = {}  # what the payment provider knows, by idempotency key


@app.task(retry=Retry(2, delay="10ms"))
async def charge(order: int, cents: int, *, ctx: Context = penstock.inject()) -> str:
    charges[ctx.idempotency_key] = cents  # the same key in each attempt: the provider charges once
    if ctx.attempt == 1:
        raise ConnectionError(f"charged order {order}, but the answer was lost")
    return f"attempts: {ctx.attempt}, charges: {len(charges)}"


async def main() -> None:
    async with app, app.worker():
        once = charge.opts(key="order:42")  # a key that the request brings with it
        run = await once.enqueue(42, cents=990)
        print("first:", "created" if run.created else "not created")

        again = await once.enqueue(42, cents=990)
        print(
            "again:",
            "the same run," if again.id == run.id else "another run,",
            "created" if again.created else "not created",
        )

        try:
            await once.enqueue(42, cents=1_990)
        except KeyConflict as error:
            print("other input:", type(error).__name__)

        print(await run.result())


if __name__ == "__main__":
    asyncio.run(main())
