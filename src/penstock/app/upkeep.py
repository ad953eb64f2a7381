"""What is done to many runs at a time, by hand. Each move is the store's own; a walk may be broken off and repeated."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from penstock.app.selection import PAGE, Selection
from penstock.core.answers import Answer
from penstock.core.requests import Guard, Still
from penstock.core.run import Run
from penstock.core.state import State
from penstock.core.views import Filter
from penstock.ports.store import Store

BUDGET: Final = 500  # runs in one round of upkeep
BY_HAND: Final = Guard(gap=1e12, hold=0.0)  # who asks has looked: an outage before does not hold anything back


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What one full pass found and did."""

    scanned: int  # running runs looked at
    stalled: int  # of these, whose worker is gone
    reconciled: int  # of these, queued again, or ended as somebody had asked
    failed: int  # of these, given up: lost too often, or not to be had now


async def redrive(store: Store, run_ids: Sequence[str]) -> int:
    """Another life for each that can have one; how many could."""
    count = 0
    for start in range(0, len(run_ids), PAGE):
        seen = [run for run in await store.get(run_ids[start : start + PAGE]) if run is not None]
        count += await redrive_seen(store, seen)
    return count


async def redrive_seen(store: Store, runs: Sequence[Run]) -> int:
    """Another life after the one in which each was seen; how many could have one."""
    ended = [run for run in runs if run.state.finished]
    answers = await store.redrive([run.id for run in ended], lives=[run.life for run in ended]) if ended else []
    return answers.count(Answer.OK)


async def redrive_all(store: Store, selection: Selection, *, dead: str | bool) -> int:
    """Another life for what stands on a dead-letter list (or, with True, on any), else for the failed runs meant."""
    name = dead if isinstance(dead, str) else None
    states = selection.states or frozenset({State.FAILED})
    wanted = msgspec.structs.replace(selection.filter(), states=states)
    count = 0
    after: str | None = None
    while True:
        if dead is False:
            page = await store.find(wanted, after=after, limit=PAGE)
        else:
            page = await store.dead(name, after=after, limit=PAGE)
        count += await redrive_seen(store, [run for run in page.items if selection.has(run)])
        after = page.after
        if after is None:
            return count


async def remove(
    store: Store,
    selection: Selection,
    *,
    before: float | None = None,
    limit: int | None = None,
    told: Callable[[int], object] | None = None,
) -> int:
    """Remove the runs meant that have stood so since before that moment; how many went. One that moves on stays.

    `told` hears how many have gone so far.
    """
    still = Still(states=selection.states, since_at=before)
    count = 0
    after: str | None = None
    while True:
        page = await store.find(selection.filter(), after=after, limit=PAGE)
        ids = [run.id for run in page.items if selection.has(run) and (before is None or run.since_at <= before)]
        if limit is not None:
            ids = ids[: limit - count]
        if ids:
            count += (await store.remove(ids, still=still)).count(Answer.OK)
            if told is not None:
                told(count)
        after = page.after
        if after is None or count == limit:
            return count


async def reconcile(store: Store, older_than: float, told: Callable[[int], object] | None = None) -> Reconciled:
    """One full round of upkeep, and what became of the runs whose leases had expired.

    `told` hears how many runs have been treated so far.
    """
    scanned, stalled = await _stalled(store, older_than)
    treated, more = 0, bool(stalled) or not older_than
    while more:
        round_ = await store.tend(BUDGET, BY_HAND)
        treated += round_.promoted + round_.rescued + round_.expired + round_.cascaded + round_.purged
        more = round_.more
        if told is not None:
            told(treated)
    holders = {run.id: run.worker for run in stalled}
    failed = 0
    for start in range(0, len(stalled), PAGE):
        for run in await store.get([lost.id for lost in stalled[start : start + PAGE]]):
            stuck = run is not None and run.state is State.RUNNING and run.worker == holders[run.id]
            failed += stuck or (run is not None and run.state is State.FAILED)
    return Reconciled(scanned=scanned, stalled=len(stalled), reconciled=len(stalled) - failed, failed=failed)


async def _stalled(store: Store, older_than: float) -> tuple[int, list[Run]]:
    """How many runs are running, and those whose lease expired so long ago."""
    before = (await store.info()).now - older_than
    scanned, found, after = 0, list[Run](), None
    while True:
        page = await store.find(Filter(states=frozenset({State.RUNNING})), after=after, limit=PAGE)
        scanned += len(page.items)
        found += [run for run in page.items if run.lease_expires_at is not None and run.lease_expires_at <= before]
        after = page.after
        if after is None:
            return scanned, found
