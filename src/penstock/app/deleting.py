"""A whole queue removed by hand: closed, emptied, and forgotten. A walk that may be broken off and repeated."""

import asyncio
from collections.abc import Callable

from penstock.app import upkeep, waiting
from penstock.app.client import Client
from penstock.app.selection import PAGE, Selection
from penstock.core.errors import WrongState
from penstock.core.requests import Pause
from penstock.core.state import State


async def delete(
    client: Client, queue: str, *, force: bool, timeout: float, told: Callable[[int], object] | None
) -> int:
    """Remove all runs of the queue; how many. Raises `WrongState`, or with `force` `ResultTimeout`, if some run."""
    store = await client.store()
    closed = Pause(kind="queue", name=queue, paused=True)
    opened = Pause(kind="queue", name=queue, paused=False)
    before = closed in await store.paused()
    await store.pause(closed)  # whatever runs from now on has been claimed by now
    try:
        await _end(client, await _running(client, queue), force=force, timeout=timeout)
    except BaseException:
        if not before:
            await store.pause(opened)
        raise
    selection = Selection({"queue": queue, "state": set(State) - {State.RUNNING}})
    count = await upkeep.remove(store, selection, told=told)
    while (await store.tend(upkeep.BUDGET, upkeep.BY_HAND)).more:  # cascades of cancels keep runs from being removed
        pass
    count += await upkeep.remove(store, selection, told=None if told is None else _from(count, told))
    await store.pause(opened)
    return count


async def _running(client: Client, queue: str) -> list[str]:
    store = await client.store()
    wanted = Selection({"queue": queue, "state": State.RUNNING})
    found: list[str] = []
    after: str | None = None
    while True:
        page = await store.find(wanted.filter(), after=after, limit=PAGE)
        found += [run.id for run in page.items if wanted.has(run)]
        after = page.after
        if after is None:
            return found


async def _end(client: Client, run_ids: list[str], *, force: bool, timeout: float) -> None:
    if run_ids and not force:
        raise WrongState("delete", run_ids[0], "running: let it end, cancel it, or say force=True")
    store = await client.store()
    if run_ids:
        await store.cancel(run_ids, reason="its queue is deleted", terminate=True)
    connection = await client.here()
    await asyncio.gather(*(waiting.finished(connection, run_id, timeout, known=True) for run_id in run_ids))


def _from(count: int, told: Callable[[int], object]) -> Callable[[int], object]:
    return lambda more: told(count + more)
