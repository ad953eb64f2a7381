"""A worker holds a connection open for its tasks; middleware stands before the queue and around each attempt.

Prints:

    connected
    begin greet for acme
    end greet
    disconnected
    hello Ada, from acme
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from penstock import App, Context, Depends, Outgoing

app = App()
tenant = "acme"


class Database:
    """Stands for what costs something to open."""

    async def greeting(self) -> str:
        return "hello"


@app.lifespan
async def database() -> AsyncGenerator[Database]:
    print("connected")
    yield Database()
    print("disconnected")


@app.before_enqueue
def stamp(run: Outgoing) -> Outgoing:
    return run.changed(tags=[*run.tags, f"tenant:{tenant}"])


@app.around_attempt
async def announce(ctx: Context, proceed: Callable[[], Awaitable[Any]]) -> Any:
    (found,) = [tag.removeprefix("tenant:") for tag in ctx.tags if tag.startswith("tenant:")]
    print("begin", ctx.task, "for", found)
    try:
        return f"{await proceed()}, from {found}"
    finally:
        print("end", ctx.task)


@app.task
async def greet(name: str, *, db: Database = Depends(database)) -> str:
    return f"{await db.greeting()} {name}"


async def main() -> None:
    async with app:
        run = await greet.enqueue("Ada")
        await app.worker(burst=True).run()
        print(await run.result())


if __name__ == "__main__":
    asyncio.run(main())
