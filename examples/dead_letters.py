"""Runs that have failed for good are listed, looked at, and sent back when the cause is gone.

Prints:

    invoices-dlq: print_invoice 7, ValueError: no paper
    redriven: 1
    printed 7
    listed now: 0
"""

import asyncio

from penstock import App, Retry, RunFailed

app = App()
paper = 0


@app.task(queue="invoices", dead_letter=True, retry=Retry(2, delay="10ms"))
async def print_invoice(number: int) -> str:
    if not paper:
        raise ValueError("no paper")
    return f"printed {number}"


async def main() -> None:
    global paper
    async with app, app.worker():
        run = await print_invoice.enqueue(7)
        try:
            await run.result()
        except RunFailed as error:
            assert error.error_type == "ValueError"

        for dead in (await app.dead()).items:
            error = dead.error
            print(
                f"{dead.dead_letter}: {dead.task} {dead.input['number']}, {error and error.type}: {error and error.message}"
            )

        paper = 500
        print("redriven:", await app.redrive(dead="invoices-dlq"))
        print(await run.result())  # the same run, in its second life
        print("listed now:", len((await app.dead()).items))


if __name__ == "__main__":
    asyncio.run(main())
