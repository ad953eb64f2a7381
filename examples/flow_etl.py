"""A nightly load as a flow of plain data, as it may come from a file: extract, then transform, then load, then report.

What is first in time stands deepest. One source is down; the load goes on without it and says so. Prints:

    load waits for 2 children
    loaded 5 rows, without feed-b: ConnectionError: feed-b is down
    report (succeeded)
      load (succeeded)
        transform as sales (succeeded)
          extract (succeeded)
        transform as stock (failed)
          extract (failed)
"""

import asyncio
from typing import Any

from penstock import App, Context, Retry, Tree, inject

app = App()

FLOW: dict[str, Any] = {
    "task": "report",
    "children": [
        {
            "task": "load",
            "opts": {"priority": 5},
            "children": [
                {
                    "task": "transform",
                    "opts": {"name": "sales", "if_fails": "ignore"},
                    "children": [{"task": "extract", "queue": "sources", "input": {"source": "feed-a"}}],
                },
                {
                    "task": "transform",
                    "opts": {"name": "stock", "if_fails": "ignore"},
                    "children": [
                        {
                            "task": "extract",
                            "queue": "sources",
                            "input": {"source": "feed-b"},
                            "opts": {"retry": {"attempts": 2, "delay": "10ms"}},
                        }
                    ],
                },
            ],
        }
    ],
}


@app.task(retry=Retry(1))
async def extract(source: str) -> list[int]:
    if source == "feed-b":
        raise ConnectionError("feed-b is down")
    return [5, 3, 1, 4, 2]


@app.task
async def transform(*, ctx: Context = inject()) -> list[int]:
    return sorted(await ctx.children.result("extract", list[int]))


@app.task
async def load(*, ctx: Context = inject()) -> str:
    rows = sum(len(one.result) for one in (await ctx.children.results()).items)
    missing = [f"{one.error.type}: {one.error.message}" for one in (await ctx.children.failures()).items if one.error]
    return f"loaded {rows} rows" + (f", without feed-b: {missing[0]}" if missing else "")


@app.task
async def report(*, ctx: Context = inject()) -> str:
    return await ctx.children.result("load", str)


def show(tree: Tree, indent: str = "") -> None:
    name = f" as {tree.name}" if tree.name else ""
    print(f"{indent}{tree.run.task}{name} ({tree.run.state})")
    for child in tree.children:
        show(child, indent + "  ")


async def main() -> None:
    async with app:
        [node] = await app.submit([FLOW])
        tree = await app.tree(node.run.id)
        print("load waits for", tree.children[0].pending, "children")
        async with app.worker(queues=["default", "sources"]):
            print(await node.run.result())
        show(await app.tree(node.run.id))


if __name__ == "__main__":
    asyncio.run(main())
