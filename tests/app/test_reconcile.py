"""A full pass on demand: its numbers are true, and it looks at live runs only, however many have finished."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from penstock import App
from penstock.core.leases import Ability, Claim, ClaimRequest, Complete
from penstock.core.requests import Group
from penstock.core.run import NewRun
from penstock.ports.store import Store

FINISHED = 10_000
LIVE = 7


async def claimed(store: Store, number: int, *, lease: float, worker: str = "w", limit: int = 500) -> Sequence[Claim]:
    abilities = frozenset({Ability(task="t")})
    request = ClaimRequest(
        claim_id=f"c{number}", worker=worker, queues=("q",), abilities=abilities, limit=limit, lease=lease
    )
    return (await store.claim(request)).claims


async def fill(store: Store, runs: int) -> None:
    """So many runs that have succeeded."""
    for start in range(0, runs, 1000):
        new = tuple(NewRun(id=f"old{number}", task="t", queue="q") for number in range(start, start + 1000))
        await store.enqueue([Group(runs=new)])
    number = 0
    while claims := await claimed(store, number, lease=60):
        await store.settle([Complete(lease=one.lease, result=b"1") for one in claims])
        number += 1


def counting(store: Store, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls of the store, and the runs that its reads bring, from now on."""
    seen: Counter[str] = Counter()

    def counted(name: str) -> Any:
        real = getattr(store, name)

        async def call(*args: Any, **named: Any) -> Any:
            seen[name] += 1
            answer = await real(*args, **named)
            seen["runs"] += len(answer.items) if name == "find" else len(answer) if name == "get" else 0
            return answer

        return call

    for name in ("find", "get", "tend", "info", "counts", "children", "dead", "log", "steps"):
        monkeypatch.setattr(store, name, counted(name))
    return seen


async def test_only_live_runs_are_read_beside_ten_thousand_finished_ones(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-55."""
    store = await app._client.store()
    looked: list[Counter[str]] = []
    for finished in (0, FINISHED):
        await fill(store, finished)
        await store.enqueue([Group(runs=tuple(NewRun(id=f"{finished}-{n}", task="t", queue="q") for n in range(LIVE)))])
        held = await claimed(store, -1 - finished, lease=60)
        assert len(held) == LIVE
        with monkeypatch.context() as patch:
            seen = counting(store, patch)
            found = await app.reconcile()
        assert (found.scanned, found.stalled, found.reconciled, found.failed) == (LIVE, 0, 0, 0)
        looked.append(seen)
        await store.settle([Complete(lease=one.lease, result=b"1") for one in held])
    assert looked[0] == looked[1]
    assert looked[1]["runs"] == LIVE
    assert looked[1]["counts"] == 0


async def test_the_numbers_say_what_became_of_each_run(app: App) -> None:
    """Of three whose worker is gone: one goes on, one has had its last chance, and one was asked to end."""
    store = await app._client.store()
    runs = (
        NewRun(id="on", task="t", queue="q"),
        NewRun(id="last", task="t", queue="q", crashes=1),
        NewRun(id="asked", task="t", queue="q"),
    )
    await store.enqueue([Group(runs=runs)])
    assert len(await claimed(store, 0, lease=1e-6, worker="gone")) == 3
    await store.enqueue([Group(runs=(NewRun(id="held", task="t", queue="q"),))])
    assert len(await claimed(store, 1, lease=60, worker="here")) == 1
    await app.cancel("asked")
    spared = await app.reconcile(older_than="1h")
    assert (spared.scanned, spared.stalled) == (4, 0)
    found = await app.reconcile()
    assert (found.scanned, found.stalled, found.reconciled, found.failed) == (4, 3, 2, 1)
    states = {run_id: (await app.run(run_id).status()).state.value for run_id in ("on", "last", "asked", "held")}
    assert states == {"on": "queued", "last": "failed", "asked": "cancelled", "held": "running"}
