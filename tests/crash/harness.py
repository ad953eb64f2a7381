"""One crash test: workers, producers and an observer on one store, rounds of work with a fault in each, and the end.

Everything random comes from one seed, which every failure names.
"""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, Self

from penstock.backends import open_store
from penstock.core.run import Run
from tests.crash.checker import Found, acknowledged, check
from tests.crash.fleet import Fleet, Member, TookTooLong, wait_until
from tests.crash.place import url_in
from tests.crash.work import Plan, plan_of
from tests.crash.worker import LEASE

SHARED: Final = 10_000_000  # numbers from here on are enqueued by every producer
LATEST: Final = 40.0  # seconds for an armed fault to strike
MORE: Final = 20  # runs that are enqueued besides when it has not struck yet ...
MORE_AFTER: Final = 1.0  # ... after so many seconds
PASSAGES: Final = {"in_heartbeat": 2, "after_heartbeat": 2, "in_upkeep": 3, "after_upkeep": 3}
DRAIN: Final = 2 * LEASE + 10.0  # seconds, beyond what the backlog itself takes
RATE: Final = 40.0  # runs a second that the backlog takes at worst, on a busy machine


class Harness:
    """The processes of a test, by the names of their roles; a role that died gets another process."""

    def __init__(self, folder: Path, seed: int, *, workers: int = 3, producers: int = 2, grace: float = 5.0) -> None:
        self.seed = seed
        self._grace = grace
        self.fleet = Fleet(folder)
        self.chance = random.Random(seed)
        self.landed = Counter[str]()  # faults that did strike
        self.dead: set[int] = set()
        self.stopped: set[int] = set()
        self.workers = [self._worker(number) for number in range(workers)]
        self.producers = [self._producer(number) for number in range(producers)]
        self.observer = self.fleet.start("observer", "observer")
        self._orders: dict[int, str] = {}  # what a producer was told last
        self._next, self._next_shared = 0, SHARED

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        self.fleet.__exit__()
        if kind is not None:
            print(f"seed {self.seed}; faults {dict(self.landed)}\n{self._left()}\n{self.fleet.troubles()}")  # noqa: T201

    def _left(self) -> str:
        """The runs whose end nobody has seen."""
        left = acknowledged(self.fleet.events).keys() - {
            event.run for event in self.fleet.events if event.kind == "seen"
        }
        return f"{len(left)} runs left, the first of them {sorted(left)[:5]}"

    # work

    def feed(self, count: int) -> None:
        """Have at least so many runs enqueued; a tenth of them by all producers. Returns at once."""
        shared = count // 10 + 1
        own = -(-(count - shared) // len(self.producers))  # rounded up
        for number, producer in enumerate(self.producers):
            self._orders[number] = f"work {self._next} {own} {self._next_shared} {shared}"
            producer.tell(self._orders[number])
            self._next += own
        self._next_shared += shared

    def feed_if_fed(self, count: int) -> None:
        """Have more runs enqueued, unless the producers are still at the last ones. Returns at once."""
        if self._is_fed():
            self.feed(count)

    def fed(self) -> None:
        """Return when the producers are through with what they were told."""
        wait_until(self._is_fed, "every enqueue to be acknowledged", 60.0)

    def keep_up(self, most: int) -> None:
        """Return when no more than so many runs are unfinished."""
        wait_until(lambda: self.unfinished <= most, f"no more than {most} runs to be left", 60.0)

    @property
    def unfinished(self) -> int:
        """Runs whose enqueue was acknowledged, and whose end nobody has seen yet."""
        self.fleet.look()
        return len(acknowledged(self.fleet.events)) - self.fleet.seen["seen"]

    # faults

    def kill_worker(self, point: str) -> int:
        """One worker dies at this named point, or "at random"; another takes its place. The pid of the dead."""
        place = self.chance.randrange(len(self.workers))
        member = self.workers[place]
        if point == "at random":
            self._wait_busy(member)
            self._pause()
            member.send(signal.SIGKILL)
        else:
            member.arm(point, self._passage(point))
        self._until_dead(member, point)
        self.workers[place] = self._worker(place)
        return member.pid

    def kill_producer(self, point: str, count: int) -> None:
        """One producer dies at this point of its work on so many runs; another of its name completes that."""
        place = self.chance.randrange(len(self.producers))
        member = self.producers[place]
        if point == "at random":
            self.feed(count)
            self._pause()
            member.send(signal.SIGKILL)
        else:
            member.arm(point, self.chance.randint(1, 5))
            self.feed(count)
        self._until_dead(member, point)
        self.producers[place] = self._producer(place)
        self.producers[place].tell(self._orders[place])

    def stop_worker(self, point: str) -> None:
        """One worker stands still beyond its leases, until others have its runs or can't get them; then it goes on."""
        member = self.chance.choice(self.workers)
        self._wait_busy(member)
        if point == "at random":
            self._pause()
            member.send(signal.SIGSTOP)
        else:
            member.arm(point, self._passage(point), signal.SIGSTOP)
        self.work_until(lambda: member.stopped, f"{member.name} to stop {point}")
        self.stopped.add(member.pid)
        self.landed[f"SIGSTOP {point}"] += 1
        self._until_taken(member)
        member.send(signal.SIGCONT)

    def restart_worker(self) -> float:
        """A worker in the middle of a slow run is asked to go, and replaced; the seconds that it took to go."""
        member = self._in_a_slow_run()
        began = time.monotonic()
        member.send(signal.SIGTERM)
        code = member.wait(60.0)
        assert code == 0, f"{member.name} ended with {code}"
        self.landed["SIGTERM in a slow run"] += 1
        self.workers[self.workers.index(member)] = self._worker(self.workers.index(member))
        return time.monotonic() - began

    def _in_a_slow_run(self) -> Member:
        by_pid = {member.pid: member for member in self.workers}
        slow: dict[tuple[str, int], int] = {}

        def found() -> bool:
            for event in self.fleet.look():
                if event.kind == "started" and event.pid in by_pid and plan_of(event.number) is Plan.SLOW:
                    slow[event.run, event.fence] = event.pid
                elif event.kind == "effect":
                    slow.pop((event.run, event.fence), None)
            return bool(slow)

        self.work_until(found, "a slow run to begin")
        return by_pid[next(iter(slow.values()))]

    def _until_taken(self, member: Member) -> None:
        """Return when others have claimed every run that the member holds, or can't: it may have the file's lock."""
        self.fleet.look()
        held = set(self.fleet.held.get(member.pid, ()))
        runs = {run for run, _ in held}
        deadline = time.monotonic() + 8 * LEASE

        def taken() -> bool:
            for event in self.fleet.look():
                if event.kind == "claimed" and event.pid != member.pid:
                    runs.discard(event.run)
            return not runs or time.monotonic() > deadline

        wait_until(taken, "others to claim", 16 * LEASE)
        if runs:  # nobody could write: others have lost their leases as well
            self.stopped |= {worker.pid for worker in self.workers}
        else:
            self.landed["stopped until others had claimed"] += 1

    def _until_dead(self, member: Member, point: str) -> None:
        """Return when the process is dead: by the fault that waits for it, else from outside."""
        try:
            self.work_until(lambda: member.code is not None, f"{member.name} to die {point}")
            self.landed[f"SIGKILL {point}"] += 1
        except TookTooLong:
            self.landed[f"SIGKILL instead of {point}"] += 1
        self.dead.add(member.pid)
        member.kill()

    def work_until(self, struck: Callable[[], bool], what: str) -> None:
        """Return when the fault has struck; there is more work until it does. Raises `TookTooLong`."""
        deadline = time.monotonic() + LATEST
        while True:
            try:
                wait_until(struck, what, MORE_AFTER)
            except TookTooLong:
                if time.monotonic() > deadline:
                    raise
                self.feed_if_fed(MORE)
            else:
                return

    def _is_fed(self) -> bool:
        self.fleet.look()
        done = {event.number for event in self.fleet.events if event.kind == "done"}
        return all(int(order.split()[1]) in done for order in self._orders.values())

    def _wait_busy(self, member: Member) -> None:
        def busy() -> object:
            self.fleet.look()
            return self.fleet.held.get(member.pid)

        wait_until(busy, f"{member.name} to hold a run", LATEST)

    def _pause(self) -> None:
        """Until a random instant: the fault itself."""
        time.sleep(self.chance.uniform(0.0, 0.05))

    def _passage(self, point: str) -> int:
        return self.chance.randint(1, PASSAGES.get(point, 12))

    def _worker(self, place: int) -> Member:
        seed = str(self.chance.randrange(1 << 30))
        return self.fleet.start("worker", f"worker{place}", f"worker{place}", seed, str(self._grace))

    def _producer(self, place: int) -> Member:
        seed = str(self.chance.randrange(1 << 30))
        return self.fleet.start("producer", f"producer{place}", f"producer{place}", seed)

    # the end

    def drain(self) -> float:
        """Return when the end of every acknowledged run was seen: the seconds that took. Raises `TookTooLong`."""
        self.fed()
        began = time.monotonic()
        wait_until(lambda: self.unfinished == 0, "every run to end", DRAIN + self.unfinished / RATE)
        return time.monotonic() - began

    def finish(self) -> Found:
        """Stop everything gently, and check all that must hold."""
        for member in (*self.producers, self.observer):
            member.hang_up()
        for worker in self.workers:
            self.fleet.wait_for("working", LATEST, pid=worker.pid)
            worker.send(signal.SIGTERM)
        codes = {member.name: member.wait(60.0) for member in (*self.producers, self.observer, *self.workers)}
        self.fleet.look()
        events = sorted(self.fleet.events, key=lambda event: event.at)
        runs, unsound = asyncio.run(_stored(self.fleet.folder, acknowledged(events)))
        found = check(events, runs, self.dead, self.stopped)
        found.wrong += [f"the store is not sound: {problem}" for problem in unsound]
        found.wrong += [f"{name} ended with {code}" for name, code in codes.items() if code != 0]
        return found


async def _stored(folder: Path, run_ids: Collection[str]) -> tuple[dict[str, Run | None], list[str]]:
    """What the store says about the runs, and about itself."""
    store = open_store(url_in(folder))
    await store.open()
    found: dict[str, Run | None] = {}
    wanted = list(run_ids)
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        found |= dict(zip(part, await store.get(part), strict=True))
    unsound = await store.check()
    await store.close()
    return found, unsound


def report(title: str, harness: Harness, found: Found, seconds: float) -> str:
    """What happened, for people."""
    runs = found.counts["runs"]
    lines = [f"\n{title}: {seconds:.0f} s, seed {harness.seed}"]
    lines += [f"  {count:7,}  {what}" for what, count in sorted(harness.landed.items())]
    lines += [f"  {count:7,}  {what}" for what, count in sorted(found.counts.items()) if not what.startswith("SIG")]
    lines.append(f"  {found.counts['executions'] / max(1, runs):7.3f}  executions a run")
    lines.append(
        f"  {len(found.wrong):7,}  violations; none in {runs:,} runs bounds their rate at {3 / max(1, runs):.1g} (95 %)"
    )
    return "\n".join(lines)
