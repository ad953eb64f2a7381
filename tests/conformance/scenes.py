"""Scenes: for each move of `MOVES`, how run `r` comes to stand before it, and the act that makes it.

A scene is an async generator: it prepares, yields once, then acts. `@scene` files it under the move that it shows.
"""

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from penstock.core.leases import Complete, Lease, Retry, Suspend
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import limit, new_run, record, refs
from tests.clock import FakeClock
from tests.conformance.acts import fail, hold, put, settled, succeed

Move: TypeAlias = tuple[str, State | None, State | None]
Scene: TypeAlias = Callable[[Store, FakeClock], AsyncIterator[None]]

SCENES: list[tuple[Move, Scene]] = []

NEVER = Lease(run_id="r", token="never-given")
GO = Wake(signals={"go": 1})
LONG = 1e9  # seconds: longer than any case


def scene(operation: str, before: State | None, after: State | None) -> Callable[[Scene], Scene]:
    """File the scene under its move."""

    def filed(shown: Scene) -> Scene:
        SCENES.append(((operation, before, after), shown))
        return shown

    return filed


async def bring_to(store: Store, where: State) -> Lease:
    """Create run `r` and lead it to a state by the shortest way; returns the last lease that it had, if any."""
    match where:
        case State.SCHEDULED:
            await put(store, new_run(delay=LONG))
        case State.WAITING:
            await put(store, new_run(wake=GO))
        case State.CANCELLED:
            await put(store, new_run())
            await store.cancel(["r"])
        case _:
            await put(store, new_run())
    if where not in {State.RUNNING, State.SUCCEEDED, State.FAILED}:
        return NEVER
    if where is State.FAILED:
        await fail(store)
        return NEVER
    lease = (await hold(store, lease=LONG)).lease
    if where is State.SUCCEEDED:
        await settled(store, Complete(lease=lease, result=b"done"))
    return lease


async def with_rollbacks(store: Store, where: State, *, deadline: float | None = None) -> None:
    """Create run `r` with a registered rollback, and lead it to scheduled, waiting or running."""
    await put(store, new_run(deadline=deadline))
    lease = (await hold(store, lease=LONG)).lease
    await store.record([record(lease, "undo", kind="rollback")])
    if where is State.SCHEDULED:
        await settled(store, Retry(lease=lease, delay=LONG, error=b"boom"))
    elif where is State.WAITING:
        await settled(store, Suspend(lease=lease, wake=GO))


async def full_drop_limit(store: Store) -> None:
    """Limit `l` refuses whoever comes: its one slot is taken."""
    await store.put_limit(limit(full="drop"))
    await put(store, new_run("holder", limits=refs("l")))
    await hold(store, "holder", lease=LONG)


async def a_failed_run(store: Store, run_id: str = "c") -> None:
    await put(store, new_run(run_id, queue=run_id))
    await fail(store, run_id)


async def a_succeeded_run(store: Store, run_id: str = "c") -> None:
    await put(store, new_run(run_id, queue=run_id))
    await succeed(store, run_id)
