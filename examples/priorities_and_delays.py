"""In which order runs start: higher priority first, then as they came; delayed ones when they are due.

Prints:

    urgent
    first
    second
    later
    too late: penstock.Expired
"""

import asyncio

from penstock import App, RunFailed

app = App()


@app.task
async def say(word: str) -> None:
    print(word)


async def main() -> None:
    async with app:
        first = await say.enqueue("first")
        await say.enqueue("second")
        await say.opts(priority=10).enqueue("urgent")
        later = await say.opts(delay="300ms").enqueue("later")
        stale = await say.opts(expires="1ms").enqueue("stale")  # nobody starts it within a millisecond
        async with app.worker(concurrency=1):
            await first.result()
            await later.result()
            try:
                await stale.result()
            except RunFailed as error:
                print("too late:", error.error_type)


if __name__ == "__main__":
    asyncio.run(main())
