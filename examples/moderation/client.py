"""Starts a graph for each of three posts, and waits for each with several readers: `python client.py`.

With a worker elsewhere it prints:

    good news: published (good news!), as three readers say
    spam: rejected (rejected), as three readers say
    by whom?: published (by whom?!), as three readers say
"""

import asyncio

from posts import GRAPH, app

from penstock import GraphResult, GraphRun

POSTS = [("good news", "Ada"), ("spam", "Bob"), ("by whom?", None)]


async def main() -> None:
    """Start, answer what is asked, and read."""
    async with app:
        for post, author in POSTS:
            # the key makes a second start of the same post the first one
            run = await app.start(GRAPH, context={"post": post, "author": author}, key=f"post:{post}")
            if author is None and run.created:  # an editor says so, before or after anybody asks
                await run.signal("review", {"action": "publish", "by": "editor"})
            readers = await asyncio.gather(*(read(run) for _ in range(3)))
            assert readers[0] == readers[1] == readers[2]
            result = readers[0]
            (last,) = (result.output[node] for node in ("publish", "reject") if node in result.output)
            print(f"{post}: {result.context['status']} ({last}), as three readers say")


async def read(run: GraphRun) -> GraphResult:
    """What the graph came to. Reading takes nothing away."""
    return await run.result(timeout="1m")


if __name__ == "__main__":
    asyncio.run(main())
