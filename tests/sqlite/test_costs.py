"""What a plain run costs the file: transactions and statements counted, so that a change that adds some is seen."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import pytest

from penstock.backends import open_store
from penstock.backends.sqlite import connect
from penstock.core.leases import ClaimRequest, Claims, Complete, Outcome
from penstock.ports.store import Store
from tests.builders import able, group, key, limit, new_run, refs

T = TypeVar("T")

# Statements of one call, begin and commit and those of triggers included; for a settle besides: of each run.
# Less is welcome: then lower the number here. More must be worth it to all who enqueue and work.
ENQUEUE: Final = 7
CLAIM: Final = 26
SETTLE: Final = 6
SETTLE_EACH: Final = 3

COUNTED: Final = (1, 100)


class Counted:
    """A store, and the statements that its writer has carried out."""

    def __init__(self, store: Store, seen: list[str]) -> None:
        self._store = store
        self._seen = seen
        self._claims = 0

    async def of(self, call: Callable[[Store], Awaitable[T]], most: int) -> T:
        """The answer. Raises `AssertionError` if that took more than one transaction, or more statements."""
        self._seen.clear()
        answer = await call(self._store)
        words = Counter(statement.split(None, 1)[0].lower() for statement in self._seen)
        assert (words["begin"], words["commit"]) == (1, 1), words
        assert words.total() <= most, f"{words.total()} statements, and {most} sufficed: {words}"
        return answer

    async def enqueue(self, runs: int, most: int = ENQUEUE) -> None:
        """So many callers' runs, gathered into one call."""
        self._claims += 1
        groups = [group(new_run(f"{self._claims}-{number}", input=b"x" * 80)) for number in range(runs)]
        await self.of(lambda store: store.enqueue(groups), most)

    def request(self, limit: int) -> ClaimRequest:
        self._claims += 1
        asked = ("default",)
        return ClaimRequest(
            claim_id=str(self._claims), worker="w", queues=asked, abilities=able("t"), limit=limit, lease=30
        )


@pytest.fixture
async def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Counted]:
    """Warm: the queue and the task are known."""
    seen: list[str] = []
    connected = connect.connect

    def traced(path: Path, *, fast: bool, reads: bool) -> sqlite3.Connection:
        connection = connected(path, fast=fast, reads=reads)
        if not reads:
            connection.set_trace_callback(seen.append)
        return connection

    monkeypatch.setattr(connect, "connect", traced)
    store = open_store(f"sqlite:///{tmp_path}/store.db?fast=1")
    await store.open()
    found = Counted(store, seen)
    await store.enqueue([group(new_run("warm"))])
    await store.settle(completed(await store.claim(found.request(1))))
    yield found
    await store.close()


def completed(claims: Claims) -> list[Outcome]:
    return [Complete(lease=claim.lease, result=b"1") for claim in claims.claims]


@pytest.mark.parametrize("runs", COUNTED)
async def test_runs_are_enqueued_claimed_and_settled_in_one_commit_each(counted: Counted, runs: int) -> None:
    await counted.enqueue(runs)
    claims = await counted.of(lambda store: store.claim(counted.request(runs)), CLAIM)
    assert len(claims.claims) == runs
    answers = await counted.of(lambda store: store.settle(completed(claims)), SETTLE + SETTLE_EACH * runs)
    assert answers == ["ok"] * runs


@pytest.mark.parametrize("runs", COUNTED)
async def test_a_turn_is_one_commit(counted: Counted, runs: int) -> None:
    await counted.enqueue(runs)
    await counted.enqueue(runs)
    claims = await counted.of(lambda store: store.claim(counted.request(runs)), CLAIM)
    halves = SETTLE + SETTLE_EACH * runs + CLAIM
    turn = await counted.of(lambda store: store.turn(completed(claims), counted.request(runs)), halves)
    assert len(turn.claims.claims) == runs


@pytest.mark.parametrize("runs", COUNTED)
async def test_features_that_others_use_cost_a_plain_run_nothing(counted: Counted, runs: int) -> None:
    """Limits, values that take turns, and keys of deduplication, in a queue beside."""
    given = {"queue": "beside", "limits": refs("l"), "fair": "v"}
    others = [
        new_run(f"other-{number}", key=key(f"k{number // 3}", until="started", follow=True), **given)
        for number in range(20)
    ]
    await counted.of(lambda store: store.put_limit(limit()), 1_000)
    await counted.of(lambda store: store.enqueue([group(*others)]), 100_000)
    await counted.enqueue(runs)
    claims = await counted.of(lambda store: store.claim(counted.request(runs)), CLAIM)
    await counted.of(lambda store: store.settle(completed(claims)), SETTLE + SETTLE_EACH * runs)
