"""A task, a worker, a result: all in one process, kept in `penstock.db`.

Prints:

    to a@b.c: hello
    5
"""

import asyncio

from penstock import App, Retry

app = App()  # PENSTOCK_URL, else ./penstock.db


@app.task(retry=Retry(5, on=OSError), timeout="30s")
async def send_mail(to: str, body: str) -> int:
    print(f"to {to}: {body}")
    return len(body)


async def main() -> None:
    async with app, app.worker():
        run = await send_mail.enqueue("a@b.c", body="hello")
        print(await run.result(timeout="1m"))


if __name__ == "__main__":
    asyncio.run(main())
