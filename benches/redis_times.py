"""`make redis-times`: how long scripts keep a Redis, each at the size of its largest batch. Prints, and judges nothing.

`python benches/redis_times.py [ROUNDS]`: milliseconds of each script as the slow log of a private server has them: of
each round the median, of these the least, for a machine that others use only ever makes them longer.
"""

import asyncio
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import redis

ROOT: Final = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from penstock.backends import open_store  # noqa: E402 (run as a program, from anywhere)
from penstock.backends.redis.scripts import script, sources  # noqa: E402
from penstock.core import ids  # noqa: E402
from penstock.core.leases import Claim, ClaimRequest, Complete, Retry, Spawn, Suspend  # noqa: E402
from penstock.core.limits import LimitDef, LimitRef  # noqa: E402
from penstock.core.requests import Group, Guard  # noqa: E402
from penstock.core.run import ChildOf, Kind, NewRun  # noqa: E402
from penstock.core.wake import Wake  # noqa: E402
from penstock.ports.store import Store  # noqa: E402
from tests.builders import able  # noqa: E402
from tests.redis.servers import Server  # noqa: E402

PAYLOAD: Final = b"x" * 100
NAMES: Final = {script(name).sha: name for name in sources() if not name.startswith("_")}


class Times:
    """What was slow since the last look, by what was done and by script."""

    def __init__(self, port: int) -> None:
        self._client: Any = redis.Redis(port=port)
        self._client.config_set("slowlog-log-slower-than", 0)
        self._client.config_set("slowlog-max-len", 10_000)
        self.found: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.note("")

    def note(self, what: str) -> None:
        """All scripts since the last call were for this."""
        took: dict[str, list[float]] = defaultdict(list)
        for one in self._client.slowlog_get(10_000):
            words = one["command"].split(b" ")
            if words[0].upper() == b"EVALSHA":
                took[NAMES.get(words[1].decode(), "?")].append(one["duration"] / 1000)
        self._client.slowlog_reset()
        for name, durations in took.items():
            self.found[what, name].append(statistics.median(durations))


def some(n: int, **fields: Any) -> tuple[NewRun, ...]:
    return tuple(NewRun(id=ids.new_run_id(), task="t", input=PAYLOAD, **fields) for _ in range(n))


async def claimed(store: Store, n: int, queue: str) -> list[Claim]:
    request = ClaimRequest(
        claim_id=ids.new_claim_id(), worker="host-1", queues=(queue,), abilities=able("t"), limit=n, lease=60.0
    )
    return list((await store.claim(request)).claims)


async def work(store: Store, queue: str, times: Times, what: str) -> None:
    """Claim and complete all that is there."""
    while held := await claimed(store, 500, queue):
        await store.settle([Complete(lease=one.lease, result=b"1") for one in held])
    times.note(f"claim and complete: {what}")


async def plain(store: Store, times: Times) -> None:
    runs = some(500, queue="plain")
    await store.enqueue([Group(runs=runs)])
    times.note("500 plain runs")
    await store.get([one.id for one in runs[:1]])
    await store.watch([one.id for one in runs[:1]])
    times.note("one plain run")
    held = await claimed(store, 100, "plain")
    await store.extend([one.lease for one in held[:1]], 30.0)
    times.note("one lease")
    await store.extend([one.lease for one in held], 30.0)
    await store.extend_claim("host-1", held[0].lease.token, 30.0)
    times.note("100 leases")
    await store.settle([Retry(lease=one.lease, delay=0.001, error=b"e") for one in held])
    times.note("100 retries")
    await store.tend(1000, Guard(gap=1e9))
    times.note("their promotion")
    await work(store, "plain", times, "retried, and plain")


async def groups(store: Store, times: Times) -> None:
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("delayed", {"delay": 0.001}),
        ("prioritised", {"priority": 3}),
        ("tagged", {"tags": ("a",)}),
    )
    for name, fields in kinds:
        await store.enqueue([Group(runs=some(1000, queue=name, **fields))])
        times.note(f"1 000 {name} runs in a group")
        await store.enqueue([Group(runs=(new,)) for new in some(500, queue=name, **fields)])
        times.note(f"500 groups of one {name} run")
        await store.tend(10_000, Guard(gap=1e9))
        times.note("promotion")
        await work(store, name, times, f"{name} runs")


async def families(store: Store, times: Times) -> None:
    root = ids.new_run_id()
    children = some(999, queue="children", parent=ChildOf(parent_id=root))
    await store.enqueue([Group(runs=(NewRun(id=root, task="t", wake=Wake(idle=True)), *children))])
    times.note("a flow of 1 + 999")
    await work(store, "children", times, "its children")
    await store.remove([root])
    times.note("its removal")
    await store.enqueue([Group(runs=some(1, queue="callers"))])
    [held] = await claimed(store, 1, "callers")
    calls = some(1000, queue="calls", parent=ChildOf(parent_id=held.run_id, kind=Kind.CALL))
    times.note("")
    await store.spawn([Spawn(lease=held.lease, runs=calls)])
    times.note("1 000 calls in one spawn")
    await store.settle([Suspend(lease=held.lease, wake=Wake(of=((tuple(one.id for one in calls), 1000),)))])
    times.note("a wait for 1 000 calls")
    await work(store, "calls", times, "these calls")


async def limits(store: Store, times: Times) -> None:
    await store.put_limit(LimitDef(name="l", n=3))
    for _ in range(10):
        await store.enqueue([Group(runs=(new,)) for new in some(500, queue="lim", limits=(LimitRef(name="l"),))])
    times.note("5 000 runs that park at a limit")
    await store.drop_limit("l")
    times.note("the limit is dropped")
    await store.tend(10_000, Guard(gap=1e9))
    times.note("upkeep lets the others go")
    await work(store, "lim", times, "those that were parked")


async def limited_groups(store: Store, times: Times) -> None:
    await store.put_limit(LimitDef(name="g", n=3))
    limits = (LimitRef(name="g"),)
    await store.enqueue([Group(runs=some(1000, queue="lim", limits=limits))])
    times.note("1 000 runs with a limit in a group")
    await store.drop_limit("g")
    await store.tend(10_000, Guard(gap=1e9))
    times.note("")
    await work(store, "lim", times, "runs of a limit that was dropped")
    await store.put_limit(LimitDef(name="k", n=3))
    keyed = [new for i in range(250) for new in some(4, queue="lim", limits=(LimitRef(name="k", key=f"tenant-{i}"),))]
    await store.enqueue([Group(runs=tuple(keyed))])
    times.note("1 000 runs with 250 keys of a limit in a group")
    await work(store, "lim", times, "these, as their keys allow")


async def fair(store: Store, times: Times) -> None:
    tenants = [some(50, queue="fair", fair=f"tenant-{i}") for i in range(20)]
    big = some(1000, queue="fair", fair="big", weight=5)
    for part in (*tenants, big[:500], big[500:]):
        await store.enqueue([Group(runs=(new,)) for new in part])
    times.note("2 000 runs that take turns")
    for _ in range(20):
        held = await claimed(store, 20, "fair")
        times.note("20 of 2 000 that take turns")
        await store.settle([Complete(lease=one.lease, result=b"1") for one in held])
        times.note("20 that took turns")
    await work(store, "fair", times, "the others, which take turns")


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        store = open_store(server.url)
        await store.open()
        times = Times(server.port)
        for number in range(rounds + 1):
            for scene in (plain, groups, families, limits, limited_groups, fair):
                await scene(store, times)
            if number == 0:  # scripts were compiled
                times.found.clear()
        assert await store.check() == []
        await store.close()
    for (what, name), durations in times.found.items():
        if what:
            print(f"{min(durations):8.2f} ms  {name:12} {what}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
