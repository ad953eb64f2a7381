"""A task tells how far it is, and callers read it, from any process that has the run's id.

Prints:

    copied 3 files
    enqueued
    claimed
    log {'files': 3, 'message': 'begin'}
    progress {'done': 1, 'total': 3, 'message': 'a.txt'}
    progress {'done': 2, 'total': 3, 'message': 'b.txt'}
    progress {'done': 3, 'total': 3, 'message': 'c.txt'}
    finished
"""

import asyncio

import penstock
from penstock import App, Context

app = App()


@app.task
async def copy(names: list[str], *, ctx: Context = penstock.inject()) -> str:
    ctx.log("begin", files=len(names))
    for done, name in enumerate(names, start=1):
        ctx.progress((done, len(names)), name)
    return f"copied {len(names)} files"


async def main() -> None:
    async with app, app.worker():
        run = await copy.enqueue(["a.txt", "b.txt", "c.txt"])
        print(await run.result())
        for line in await app.run(run.id).log():
            print(line.kind, line.data) if line.kind in {"log", "progress"} else print(line.kind)


if __name__ == "__main__":
    asyncio.run(main())
