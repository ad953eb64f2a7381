"""Our flows, stored by one call; until all parents' results are in the client."""

import asyncio

from benches.contenders.meter import FILLER
from penstock import App, Task


async def trees(app: App, job: Task[[int, str], int], number: int, children: int) -> None:
    """So many parents of so many children, no-ops all."""
    calls = [job.call(n, FILLER).after(*(job.call(one, FILLER) for one in range(children))) for n in range(number)]
    nodes = await app.submit(calls)
    await asyncio.gather(*(node.run.result() for node in nodes))
