"""The moves that lease holders make: claim, the six outcomes, spawn."""

from collections.abc import AsyncIterator, Callable

from penstock.core.leases import Complete, Fail, Lease, Outcome, Release, Restart, Retry, Spawn, Suspend
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, limit, new_run, record, refs
from tests.clock import FakeClock
from tests.conformance.acts import claim, fail, hold, put, settle, spawn
from tests.conformance.scenes import GO, LONG, a_failed_run, full_drop_limit, scene

S, Q, R, W = State.SCHEDULED, State.QUEUED, State.RUNNING, State.WAITING
SUCCEEDED, FAILED, CANCELLED = State.SUCCEEDED, State.FAILED, State.CANCELLED


@scene("claim", Q, R)
async def claim_queued(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    yield
    await claim(store)


@scene("claim", Q, FAILED)
async def claim_expired(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(expires=10))
    clock.advance(11)
    yield
    await claim(store)


@scene("claim", Q, CANCELLED)
async def claim_below_a_cancel(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run("p", queue="p", wake=Wake(idle=True)), dependency("r", "p", queue="default"))
    await store.cancel(["p"])
    yield
    await claim(store)


@scene("claim", Q, CANCELLED)
async def claim_at_a_limit_that_drops(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await store.put_limit(limit(full="drop"))
    await put(store, new_run("first", limits=refs("l")), new_run(limits=refs("l")))
    yield
    await claim(store, limit=2)


def complete(lease: Lease) -> Outcome:
    return Complete(lease=lease, result=b"done")


def retry(lease: Lease) -> Outcome:
    return Retry(lease=lease, delay=10, error=b"boom")


def retry_at_once(lease: Lease) -> Outcome:
    return Retry(lease=lease, delay=0, error=b"boom")


def fail_it(lease: Lease) -> Outcome:
    return Fail(lease=lease, error=b"boom")


def release(lease: Lease) -> Outcome:
    return Release(lease=lease)


def suspend(lease: Lease) -> Outcome:
    return Suspend(lease=lease, wake=GO)


def suspend_for_what_has_come(lease: Lease) -> Outcome:
    return Suspend(lease=lease, wake=Wake(delay=0))


def restart(lease: Lease) -> Outcome:
    return Restart(lease=lease, input=b"again")


OUTCOMES: dict[str, Callable[[Lease], Outcome]] = {
    "complete": complete,
    "retry": retry,
    "fail": fail_it,
    "release": release,
    "suspend": suspend,
    "restart": restart,
}
PLAIN: list[tuple[str, State, Callable[[Lease], Outcome]]] = [
    ("complete", SUCCEEDED, complete),
    ("retry", S, retry),
    ("retry", Q, retry_at_once),
    ("fail", FAILED, fail_it),
    ("release", Q, release),
    ("suspend", W, suspend),
    ("suspend", Q, suspend_for_what_has_come),
    ("restart", Q, restart),
]


def settle_plainly(operation: str, after: State, outcome: Callable[[Lease], Outcome]) -> None:
    @scene(operation, R, after)
    async def settle_it(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await put(store, new_run())
        lease = (await hold(store)).lease
        yield
        await settle(store, outcome(lease))


for name, after, made in PLAIN:
    settle_plainly(name, after, made)


def settle_what_must_end(operation: str, outcome: Callable[[Lease], Outcome]) -> None:
    """A request to cancel, or the bad end of a dependency, decides how the run ends."""

    @scene(operation, R, CANCELLED)
    async def settle_a_cancelled_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await put(store, new_run())
        lease = (await hold(store)).lease
        await store.cancel(["r"])
        yield
        await settle(store, outcome(lease))

    @scene(operation, R, FAILED)
    async def settle_a_doomed_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await put(store, new_run())
        lease = (await hold(store)).lease
        await spawn(store, lease, dependency("c", "r"))
        await fail(store, "c")
        yield
        await settle(store, outcome(lease))


for name, made in OUTCOMES.items():
    settle_what_must_end(name, made)


def settle_before_rollbacks(operation: str, outcome: Callable[[Lease], Outcome]) -> None:
    """The request came after the claim: whoever holds it does not know of the rollbacks yet."""

    @scene(operation, R, Q)
    async def settle_with_rollbacks_to_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await put(store, new_run())
        lease = (await hold(store)).lease
        await store.record([record(lease, "undo", kind="rollback")])
        await store.cancel(["r"])
        yield
        await settle(store, outcome(lease))


for name, made in OUTCOMES.items():
    settle_before_rollbacks(name, made)


@scene("complete", R, W)
async def complete_with_a_pending_dependency(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    lease = (await hold(store)).lease
    await spawn(store, lease, dependency("c", "r"))
    yield
    await settle(store, complete(lease))


async def a_parent(store: Store) -> Lease:
    await put(store, new_run("p", queue="p"))
    return (await hold(store, "p", lease=LONG)).lease


@scene("spawn", None, S)
async def spawn_with_a_delay(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    lease = await a_parent(store)
    yield
    await store.spawn([Spawn(lease=lease, runs=(dependency("r", "p", delay=60),))])


@scene("spawn", None, Q)
async def spawn_at_once(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    lease = await a_parent(store)
    yield
    await store.spawn([Spawn(lease=lease, runs=(dependency("r", "p"),))])


@scene("spawn", None, W)
async def spawn_waiting(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    lease = await a_parent(store)
    yield
    await store.spawn([Spawn(lease=lease, runs=(dependency("r", "p", wake=GO),))])


@scene("spawn", None, FAILED)
async def spawn_above_a_failed_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await a_failed_run(store)
    lease = await a_parent(store)
    yield
    runs = (dependency("r", "p", wake=Wake(idle=True)), dependency("c", "r"))
    await store.spawn([Spawn(lease=lease, runs=runs)])


@scene("spawn", None, CANCELLED)
async def spawn_at_a_full_limit(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await full_drop_limit(store)
    lease = await a_parent(store)
    yield
    await store.spawn([Spawn(lease=lease, runs=(dependency("r", "p", limits=refs("l")),))])
