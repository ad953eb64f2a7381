"""The moves that callers make: enqueue, signal, cancel, redrive, remove, reschedule, fork, attach, detach."""

from collections.abc import AsyncIterator

from penstock.core.leases import Complete
from penstock.core.policy import IfFails
from penstock.core.run import ChildOf
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, new_run, refs, send
from tests.clock import FakeClock
from tests.conformance.acts import fail, hold, put, settled, spawn, upkeep
from tests.conformance.scenes import GO, a_failed_run, bring_to, full_drop_limit, scene, with_rollbacks

IDLE = Wake(idle=True)
S, Q, W = State.SCHEDULED, State.QUEUED, State.WAITING
SUCCEEDED, FAILED, CANCELLED = State.SUCCEEDED, State.FAILED, State.CANCELLED


@scene("enqueue", None, S)
async def enqueue_with_a_delay(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    yield
    await put(store, new_run(delay=60))


@scene("enqueue", None, Q)
async def enqueue(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    yield
    await put(store, new_run())


@scene("enqueue", None, W)
async def enqueue_with_a_wake(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    yield
    await put(store, new_run(wake=GO))


@scene("enqueue", None, FAILED)
async def enqueue_above_a_failed_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await a_failed_run(store)
    yield
    await put(store, new_run(wake=IDLE), dependency("c", "r"))


@scene("enqueue", None, CANCELLED)
async def enqueue_at_a_full_limit(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await full_drop_limit(store)
    yield
    await put(store, new_run(limits=refs("l")))


@scene("signal", None, S)
async def signal_starts_with_a_delay(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    yield
    await store.signal(send(start=new_run(delay=60)))


@scene("signal", None, Q)
async def signal_starts(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    yield
    await store.signal(send(start=new_run()))


@scene("signal", None, W)
async def signal_starts_waiting(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    yield
    await store.signal(send("other", start=new_run(wake=GO)))


@scene("signal", None, CANCELLED)
async def signal_starts_at_a_full_limit(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await full_drop_limit(store)
    yield
    await store.signal(send(start=new_run(limits=refs("l"))))


@scene("signal", W, Q)
async def signal_wakes(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await bring_to(store, W)
    yield
    await store.signal(send())


@scene("cancel", S, CANCELLED)
async def cancel_scheduled(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await bring_to(store, S)
    yield
    await store.cancel(["r"])


@scene("cancel", S, Q)
async def cancel_scheduled_with_rollbacks(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await with_rollbacks(store, S)
    yield
    await store.cancel(["r"])


@scene("cancel", Q, CANCELLED)
async def cancel_queued(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await bring_to(store, Q)
    yield
    await store.cancel(["r"])


@scene("cancel", W, CANCELLED)
async def cancel_waiting(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await bring_to(store, W)
    yield
    await store.cancel(["r"])


@scene("cancel", W, Q)
async def cancel_waiting_with_rollbacks(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await with_rollbacks(store, W)
    yield
    await store.cancel(["r"])


def redrive_from(where: State) -> None:
    """Finished without anything below: it starts again."""

    @scene("redrive", where, Q)
    async def redrive(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await bring_to(store, where)
        await upkeep(store)
        yield
        await store.redrive(["r"])


for finished in (SUCCEEDED, FAILED, CANCELLED):
    redrive_from(finished)


@scene("redrive", FAILED, W)
async def redrive_a_run_that_failed_by_its_child(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE), dependency("c", "r"))
    await fail(store, "c")
    await upkeep(store)
    yield
    await store.redrive(["r"])


@scene("redrive", CANCELLED, W)
async def redrive_a_run_cancelled_with_its_children(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE), dependency("c", "r"))
    await store.cancel(["r"])
    await upkeep(store)
    yield
    await store.redrive(["r"])


def remove_from(where: State) -> None:
    """Nothing is left."""

    @scene("remove", where, None)
    async def remove(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await bring_to(store, where)
        await upkeep(store)
        yield
        await store.remove(["r"])


for unleased in (S, Q, W, SUCCEEDED, FAILED, CANCELLED):
    remove_from(unleased)


@scene("reschedule", S, Q)
async def reschedule_to_now(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await bring_to(store, S)
    yield
    await store.reschedule("r", delay=0)


@scene("reschedule", Q, S)
async def reschedule_to_later(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await bring_to(store, Q)
    yield
    await store.reschedule("r", at=clock() + 60)


@scene("fork", None, Q)
async def fork(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run("original"))
    yield
    await store.fork("original", "r")


@scene("fork", None, CANCELLED)
async def fork_at_a_full_limit(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run("original", queue="o", limits=refs("l")))
    await full_drop_limit(store)
    yield
    await store.fork("original", "r")


def attach_below(where: State) -> None:
    """A live child is waited for; one that has failed fails its parent."""

    if where is not W:

        @scene("attach", where, W)
        async def attach_a_live_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
            await bring_to(store, where)
            await put(store, new_run("c"))
            yield
            await store.attach("c", ChildOf(parent_id="r"))

    @scene("attach", where, FAILED)
    async def attach_a_failed_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
        await a_failed_run(store)
        await bring_to(store, where)
        yield
        await store.attach("c", ChildOf(parent_id="r"))


for unfinished in (S, Q, W):
    attach_below(unfinished)


@scene("attach", W, Q)
async def attach_a_failure_that_lets_go_on(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await a_failed_run(store)
    await put(store, new_run(wake=IDLE), dependency("d", "r"))
    yield
    await store.attach("c", ChildOf(parent_id="r", if_fails=IfFails.CONTINUE))


@scene("attach", W, S)
async def attach_a_failure_that_lets_go_on_later(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await a_failed_run(store)
    await put(store, new_run(wake=IDLE, delay=60), dependency("d", "r"))
    yield
    await store.attach("c", ChildOf(parent_id="r", if_fails=IfFails.CONTINUE))


@scene("detach", W, Q)
async def detach_the_last(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE), dependency("c", "r"))
    yield
    await store.detach("c")


@scene("detach", W, S)
async def detach_the_last_below_a_delay(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run(wake=IDLE, delay=60), dependency("c", "r"))
    yield
    await store.detach("c")


@scene("detach", W, SUCCEEDED)
async def detach_the_last_of_a_returned_run(store: Store, clock: FakeClock) -> AsyncIterator[None]:
    await put(store, new_run())
    lease = (await hold(store)).lease
    await spawn(store, lease, dependency("c", "r"))
    await settled(store, Complete(lease=lease, result=b"done"))
    yield
    await store.detach("c")
