"""What becomes of a run whose attempt fails: tried again, given up, put off.

Prints:

    flaky: fine, in attempt 3
    flaky: attempt 1 failed with ConnectionError: no route
    flaky: attempt 2 failed with ConnectionError: no route
    hopeless: penstock.Never: the account is closed, after 1 attempt
    busy: fine, in attempt 1, put off once
"""

import asyncio

import penstock
from penstock import App, Context, Never, Retry, RunFailed, Snooze

app = App()


@app.task(retry=Retry(5, on=ConnectionError, delay="20ms", cap="1s"))
async def flaky(*, ctx: Context = penstock.inject()) -> str:
    if ctx.attempt < 3:
        raise ConnectionError("no route")
    return f"fine, in attempt {ctx.attempt}"


@app.task
async def hopeless() -> None:
    raise Never("the account is closed")  # what no further attempt can change


seen: list[int] = []


@app.task
async def busy(*, ctx: Context = penstock.inject()) -> str:
    seen.append(ctx.attempt)
    if len(seen) == 1:
        raise Snooze("20ms")  # not now; this is no failure and uses no attempt
    return f"fine, in attempt {ctx.attempt}, put off once"


async def main() -> None:
    async with app, app.worker():
        run = await flaky.enqueue()
        print("flaky:", await run.result())
        for tried in await run.attempts():
            if tried.error:
                print(f"flaky: attempt {tried.number} failed with {tried.error.type}: {tried.error.message}")

        run_of_hopeless = await hopeless.enqueue()
        try:
            await run_of_hopeless.result()
        except RunFailed as error:
            tries = (await run_of_hopeless.status()).attempts
            print(f"hopeless: {error.error_type}: {error.message}, after {tries} attempt")

        print("busy:", await (await busy.enqueue()).result())


if __name__ == "__main__":
    asyncio.run(main())
