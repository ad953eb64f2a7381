"""Runs that have failed for good are listed, looked at, and sent back when the cause is gone.

Prints:

    invoices-dlq: print_invoice 7, ValueError: no paper
    redriven: 1
    printed 7
    listed now: 0
"""

import asyncio
from contextlib import suppress

from penstock import App, Retry, RunFailed

app = App()
shop = {"paper": 0}


@app.task(queue="invoices", dead_letter=True, retry=Retry(2, delay="10ms"))
async def print_invoice(number: int) -> str:
    if not shop["paper"]:
        raise ValueError("no paper")
    return f"printed {number}"


async def main() -> None:
    async with app, app.worker():
        run = await print_invoice.enqueue(7)
        with suppress(RunFailed):
            await run.result()

        for dead in (await app.dead()).items:
            why = f"{dead.error.type}: {dead.error.message}" if dead.error else ""
            print(f"{dead.dead_letter}: {dead.task} {dead.input['number']}, {why}")

        shop["paper"] = 500
        print("redriven:", await app.redrive(dead="invoices-dlq"))
        print(await run.result())  # the same run, in its second life
        print("listed now:", len((await app.dead()).items))


if __name__ == "__main__":
    asyncio.run(main())
