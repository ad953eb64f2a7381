"""Asking twice, and doing once: keys for callers, an idempotency key for what a task calls.

Prints:

    first: created
    again: the same run, not created
    other input: KeyConflict
    charged order 42 with key of that run
"""

import asyncio

import penstock
from penstock import App, Context, KeyConflict

app = App()


@app.task
async def charge(order: int, cents: int, *, ctx: Context = penstock.inject()) -> str:
    # A task may run again after a crash. The key is the same each time: hand it to whom you call, to charge once.
    return f"charged order {order} with key {'of that run' if ctx.idempotency_key == ctx.run_id else '?'}"


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
