"""Faults at named points, inside the process that they hit: around calls of the store, in handlers, around statements.

`arm` says where, at which passage and with what signal; whoever passes the point then sends it to this process. It is
in the journal before. The store is wrapped and connections are subclassed here: the product knows nothing of this.
"""

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, cast

from penstock.app.app import App
from penstock.core.answers import Accepted, Answer, Refused, Tended
from penstock.core.leases import ClaimRequest, Claims, Lease, Outcome, Turn
from penstock.core.requests import Group, Guard
from penstock.ports.store import Store
from tests.crash.oracle import Journal
from tests.crash.place import BACKEND

_IN_FILES: Final = ("holding_lock", "before_commit", "in_commit", "after_commit") if BACKEND == "sqlite" else ()
IN_WORKERS: Final = (
    "after_claim",
    "before_effect",
    "after_effect",
    "before_settle",
    "in_settle",
    "after_settle",
    "in_heartbeat",
    "after_heartbeat",
    "in_upkeep",
    "after_upkeep",
    *_IN_FILES,
)
IN_PRODUCERS: Final = ("in_enqueue", "before_ack", *_IN_FILES)
FOLDING: Final = "in_checkpoint"  # the log is being folded into the file
DURING: Final = 0.003  # seconds: a fault "in" a call comes within so long after its begin


class Chaos:
    """The fault that waits for this process."""

    def __init__(self, journal: Journal, file: Path, seed: int) -> None:
        self.journal = journal
        self.file = file  # the store's
        self.committing = False
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._point = ""
        self._left = 0
        self._signal = signal.SIGKILL

    def arm(self, point: str, nth: int, what: signal.Signals) -> None:
        """From now on the nth passage of this point sends the signal."""
        with self._lock:
            self._point, self._left, self._signal = point, nth, what
        if point == FOLDING:
            threading.Thread(target=self._watch, daemon=True).start()

    def at(self, point: str) -> None:
        """This point is passed."""
        if self._passed(point):
            self._strike(point)

    def during(self, point: str) -> None:
        """A call begins: its fault comes from another thread, while it is under way or just over."""
        if self._passed(point):
            threading.Timer(self._chance.uniform(0.0, DURING), self._strike, [point]).start()

    def _watch(self) -> None:
        """The file itself is written by checkpoints only: strike when that happens while this process commits."""
        seen = self.file.stat().st_mtime_ns
        while True:
            time.sleep(0.0002)  # a checkpoint takes milliseconds
            now = self.file.stat().st_mtime_ns
            if now != seen and self.committing:
                self._strike(FOLDING)
            seen = now

    def _passed(self, point: str) -> bool:
        if point != self._point:
            return False
        with self._lock:
            self._left -= point == self._point
            struck = point == self._point and self._left <= 0
            if struck:
                self._point = ""
            return struck

    def _strike(self, point: str) -> None:
        self.journal.write("fault", detail=f"{self._signal.name} {point}")
        os.kill(os.getpid(), self._signal)


class ChaosStore:
    """A store that passes the points, and writes down what was claimed, tried and answered."""

    def __init__(self, store: Store, chaos: Chaos) -> None:
        self._store = store
        self._chaos = chaos
        self._journal = chaos.journal

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def enqueue(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        self._chaos.during("in_enqueue")
        answers = await self._store.enqueue(groups)
        self._chaos.at("before_ack")
        return answers

    async def claim(self, request: ClaimRequest) -> Claims:
        claims = await self._store.claim(request)
        self._claimed(claims)
        return claims

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Answer]:
        self._before(outcomes)
        answers = await self._store.settle(outcomes)
        self._after(outcomes, answers)
        return answers

    async def turn(self, outcomes: Sequence[Outcome], request: ClaimRequest) -> Turn:
        self._before(outcomes)
        turned = await self._store.turn(outcomes, request)
        self._after(outcomes, turned.answers)
        self._claimed(turned.claims)
        return turned

    async def extend(self, leases: Sequence[Lease], seconds: float) -> list[Answer]:
        self._chaos.at("in_heartbeat")
        answers = await self._store.extend(leases, seconds)
        for lease, answer in zip(leases, answers, strict=True):
            if answer is not Answer.OK:
                self._journal.write("extended", run=lease.run_id, token=lease.token, answer=answer)
        self._chaos.at("after_heartbeat")
        return answers

    async def tend(self, budget: int, guard: Guard) -> Tended:
        self._chaos.during("in_upkeep")
        tended = await self._store.tend(budget, guard)
        self._chaos.at("after_upkeep")
        if tended.rescued or tended.held_back:
            self._journal.write("tended", detail=f"rescued {tended.rescued}, held back {tended.held_back}")
        return tended

    def _before(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            for outcome in outcomes:
                lease = outcome.lease
                self._journal.write("settling", run=lease.run_id, token=lease.token, detail=type(outcome).__name__)
            self._chaos.at("before_settle")
            self._chaos.during("in_settle")

    def _after(self, outcomes: Sequence[Outcome], answers: Sequence[str]) -> None:
        if outcomes:
            self._chaos.at("after_settle")
        for outcome, answer in zip(outcomes, answers, strict=True):
            lease = outcome.lease
            self._journal.write(
                "settled", run=lease.run_id, token=lease.token, answer=answer, detail=type(outcome).__name__
            )

    def _claimed(self, claims: Claims) -> None:
        for claim in claims.claims:
            self._journal.write("claimed", run=claim.run_id, token=claim.lease.token, fence=claim.fence)
        if claims.claims:
            self._chaos.at("after_claim")


def infest(app: App, chaos: Chaos) -> None:
    """From now on the app's stores pass the points, and so do the statements of every connection made here."""
    stores = app._client.stores
    new_store = stores._new_store
    stores._new_store = lambda: cast("Store", ChaosStore(new_store(), chaos))
    _infest_connections(chaos)


def _infest_connections(chaos: Chaos) -> None:
    connect = sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            return _passing(chaos, sql, lambda: super(Connection, self).execute(sql, *values))

    def connecting(*arguments: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **{"factory": Connection, **named})
        return connection

    setattr(sqlite3, "connect", connecting)  # noqa: B010 (an overloaded function: only its callers know which they want)


def _passing(chaos: Chaos, sql: str, execute: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
    words = sql[:32].lstrip().lower()
    if words.startswith("begin immediate"):
        cursor = execute()
        chaos.at("holding_lock")
        return cursor
    if words.startswith("commit"):
        chaos.at("before_commit")
        chaos.during("in_commit")
        chaos.committing = True
        cursor = execute()
        chaos.committing = False
        chaos.at("after_commit")
        return cursor
    return execute()
