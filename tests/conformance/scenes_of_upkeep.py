"""The moves that upkeep makes, those of a schedule's tick, and what a child's end does to its parent."""

from collections.abc import AsyncIterator
from typing import Any

from penstock.core.leases import Complete, Retry
from penstock.core.policy import IfFails
from penstock.core.run import NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, fire, group, new_run, record, refs, schedule
from tests.clock import FakeClock
from tests.conformance.acts import fail, hold, later, put, settled, spawn, succeed, upkeep
from tests.conformance.scenes import GO, LONG, bring_to, full_drop_limit, scene, with_rollbacks

IDLE = Wake(idle=True)
S, Q, R, W = State.SCHEDULED, State.QUEUED, State.RUNNING, State.WAITING
SUCCEEDED, FAILED, CANCELLED = State.SUCCEEDED, State.FAILED, State.CANCELLED


@scene("promote", S, Q)
async def promote_what_is_due(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(delay=60))
    yield
    await later(store, clock, 60)


@scene("promote", W, Q)
async def wake_at_the_moment(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=Wake(delay=60)))
    yield
    await later(store, clock, 60)


@scene("rescue", R, Q)
async def rescue(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    await hold(store)
    yield
    await later(store, clock, 31)


@scene("rescue", R, FAILED)
async def rescue_too_often(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(crashes=1))
    await hold(store)
    yield
    await later(store, clock, 31)


@scene("rescue", R, CANCELLED)
async def rescue_a_cancelled_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    await hold(store)
    await store.cancel(["r"])
    yield
    await later(store, clock, 31)


def expire(before: State, **fields: Any) -> None:
    @scene("expire", before, FAILED)
    async def at_the_deadline(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await put(store, new_run(deadline=60, **fields))
        yield
        await later(store, clock, 61)


expire(S, delay=LONG)
expire(Q)
expire(W, wake=GO)


def expire_with_rollbacks(before: State) -> None:
    @scene("expire", before, Q)
    async def at_the_deadline(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await with_rollbacks(store, before, deadline=60)
        yield
        await later(store, clock, 61)


expire_with_rollbacks(S)
expire_with_rollbacks(W)


def below_a_cancel(before: State, **fields: Any) -> None:
    @scene("cascade", before, CANCELLED)
    async def cancel_the_parent(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await put(store, new_run("p", wake=IDLE), dependency("r", "p", **fields))
        await store.cancel(["p"])
        yield
        await upkeep(store)


below_a_cancel(S, delay=LONG)
below_a_cancel(Q)
below_a_cancel(W, wake=GO)


def rollbacks_below_a_cancel(before: State) -> None:
    @scene("cascade", before, Q)
    async def cancel_the_parent(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await with_rollbacks(store, before)
        await put(store, new_run("p", wake=IDLE), dependency("r", "p"))
        await store.cancel(["p"])
        yield
        await upkeep(store)


rollbacks_below_a_cancel(S)
rollbacks_below_a_cancel(W)


def below_a_removal(before: State) -> None:
    @scene("cascade", before, None)
    async def remove_the_parent(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        wake = Wake(at=clock() + LONG, idle=True)
        standing: dict[State, dict[str, Any]] = {S: {"delay": LONG}, W: {"wake": GO}}
        await put(
            store, new_run("p", wake=wake), dependency("d", "p"), dependency("r", "p", **standing.get(before, {}))
        )
        if before is SUCCEEDED:
            await succeed(store, "r")
        elif before is FAILED:
            await fail(store, "r")
        elif before is CANCELLED:
            await store.cancel(["r"])
        await upkeep(store)
        yield
        await store.remove(["p"])
        await upkeep(store)


for unleased in (S, Q, W, SUCCEEDED, FAILED, CANCELLED):
    below_a_removal(unleased)


def below_a_redrive(before: State, after: State) -> None:
    """What ended and does not count starts again with its parent."""

    @scene("cascade", before, after)
    async def redrive_the_parent(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        runs = [new_run("p", wake=IDLE), dependency("r", "p", wake=IDLE if after is W else None)]
        if after is W:
            runs.append(dependency("c", "r"))
        await put(store, *runs)
        if before is CANCELLED:
            await store.cancel(["p"])
        else:
            await fail(store, "c" if after is W else "r")
        await upkeep(store)
        yield
        await store.redrive(["p"])
        await upkeep(store)


for finished in (FAILED, CANCELLED):
    for again in (Q, W):
        below_a_redrive(finished, again)


def closed(after: State, delay: float | None) -> None:
    """A leaf of an open flow is held back until the flow is closed."""

    @scene("cascade", W, after)
    async def close_the_flow(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        leaf = dependency("r", "p", delay=delay)
        await store.enqueue([group(new_run("p", wake=IDLE), leaf, flow="p", opens=True)])
        yield
        await store.enqueue([group(flow="p", closes=True)])
        await upkeep(store)


closed(Q, None)
closed(S, LONG)


def purge(before: State) -> None:
    @scene("purge", before, None)
    async def when_its_time_is_over(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await bring_to(store, before)
        await upkeep(store)
        yield
        await later(store, clock, 15 * 86_400)


for finished in (SUCCEEDED, FAILED, CANCELLED):
    purge(finished)


async def tick(store: Store, clock: FakeClock, run: NewRun) -> None:
    due = await store.put_schedule(schedule(next_at=clock()))
    await store.fire(fire(due, run, next_at=clock() + 60))


def fires(after: State, **fields: Any) -> None:
    @scene("fire", None, after)
    async def at_a_tick(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        if "limits" in fields:
            await full_drop_limit(store)
        yield
        await tick(store, clock, new_run(schedule="s", **fields))


fires(S, delay=60)
fires(Q)
fires(W, wake=GO)
fires(CANCELLED, limits=refs("l"))


@scene("count", W, Q)
async def the_last_child_succeeds(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE), dependency("c", "r"))
    yield
    await succeed(store, "c")


@scene("count", W, S)
async def the_last_child_succeeds_below_a_delay(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE, delay=60), dependency("c", "r"))
    yield
    await succeed(store, "c")


@scene("count", W, FAILED)
async def a_child_fails(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE), dependency("c", "r"), dependency("d", "r"))
    yield
    await fail(store, "c")


@scene("count", W, SUCCEEDED)
async def the_last_child_of_a_returned_run_succeeds(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    lease = (await hold(store)).lease
    await spawn(store, lease, dependency("c", "r"))
    await settled(store, Complete(lease=lease, result=b"done"))
    yield
    await succeed(store, "c")


async def scheduled_with_a_child(store: Store) -> None:
    """Run `r` is released with its own delay by one child, and still depends on `c`."""
    await put(
        store,
        new_run(wake=IDLE, delay=LONG),
        dependency("c", "r"),
        dependency("d", "r", if_fails=IfFails.CONTINUE),
    )
    await fail(store, "d")


@scene("count", S, FAILED)
async def a_child_of_a_scheduled_run_fails(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await scheduled_with_a_child(store)
    yield
    await fail(store, "c")


@scene("count", S, Q)
async def a_child_of_a_scheduled_run_with_rollbacks_fails(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    lease = (await hold(store)).lease
    await store.record([record(lease, "undo", kind="rollback")])
    await spawn(store, lease, dependency("c", "r"))
    await settled(store, Retry(lease=lease, delay=LONG, error=b"boom"))
    yield
    await fail(store, "c")


@scene("count", S, W)
async def a_counted_child_of_a_scheduled_run_is_redriven(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE, delay=60), dependency("c", "r"))
    await succeed(store, "c")
    yield
    await store.redrive(["c"])


@scene("count", Q, FAILED)
async def a_child_of_a_queued_run_fails(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=Wake(idle=True, delay=60)), dependency("c", "r"))
    await later(store, clock, 60)
    yield
    await fail(store, "c")


@scene("count", Q, W)
async def a_counted_child_of_a_queued_run_is_redriven(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE), dependency("c", "r"))
    await succeed(store, "c")
    yield
    await store.redrive(["c"])
