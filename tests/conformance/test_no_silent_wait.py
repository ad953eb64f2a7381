"""No combination leaves a parent waiting without a visible reason, nor starts it twice, nor keeps it from its end.

Every policy x how the parent stands x how the child ends x what is done with the child then x a sibling x retention x
redelivery, on one store after another. `WAITS=1` plays all of them (`make waits`); the default suite some.
"""

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Claim, Complete, Fail, Outcome
from penstock.core.policy import POLICY, IfFails
from penstock.core.run import Keep, Kind, NewRun, Siblings
from penstock.core.state import State
from penstock.core.views import Why
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import dependency, new_run
from tests.clock import FakeClock
from tests.conformance.acts import fail, hold, later, look, put, settle, spawn, state, succeed, upkeep

IDLE = Wake(idle=True)
LEASE = 1e6
STANDINGS = ("waiting", "scheduled", "queued", "running", "returned")
ENDS = ("succeeded", "failed", "expired", "crashed", "cancelled")
AFTERWARDS = ("stays", "removed", "detached", "redriven well", "redriven badly")
EACH = 1 if os.environ.get("WAITS") else 40


class Case(NamedTuple):
    """One combination."""

    if_fails: IfFails
    standing: str
    end: str
    afterwards: str
    sibling: str  # "none", or one that goes on: "cancel" or "keep" says what a bad end of the parent does to it
    short: bool  # the child is to be kept for no time at all
    twice: bool  # what ends it is said twice


def cases() -> Iterator[Case]:
    assert set(POLICY) == set(IfFails)
    siblings = ("none", *Siblings)
    return itertools.starmap(
        Case, itertools.product(POLICY, STANDINGS, ENDS, AFTERWARDS, siblings, (False, True), (False, True))
    )


class Play:
    """One combination on a store, with names of its own."""

    def __init__(self, store: Store, clock: FakeClock, case: Case, number: int) -> None:
        self.store = store
        self.clock = clock
        self.case = case
        self.parent, self.child, self.sibling, self.opener = (f"{name}{number}" for name in "pcdo")
        self.claim: Claim | None = None

    async def play(self) -> str:
        """What became of the parent."""
        await self._set_up()
        await self._end()
        await self._explained()
        if self.case.short:
            await later(self.store, self.clock, 70)
            if not (await look(self.store, self.parent)).state.finished and self.case.afterwards != "detached":
                assert await state(self.store, self.child) is not None, "purged below a parent that lives"
            await self._explained()
        await self._afterwards()
        await self._explained()
        for _ in range(12):
            if (await look(self.store, self.parent)).state.finished:
                break
            await self._go_on()
            await self._explained()
        run = await look(self.store, self.parent)
        assert run.state.finished, run
        assert run.claims <= 1, "started twice"
        await self._clear()
        return run.state.value

    async def _set_up(self) -> None:
        case, store = self.case, self.store
        keep = Keep(succeeded=0.0, failed=0.0) if case.short else Keep()
        expires = 10.0 if case.end == "expired" else None
        children: list[NewRun] = [
            dependency(self.child, self.parent, if_fails=case.if_fails, expires=expires, crashes=1, keep=keep)
        ]
        siblings = Siblings.CANCEL
        if case.sibling != "none":
            children.append(dependency(self.sibling, self.parent))
            siblings = Siblings(case.sibling)
        if case.standing in {"waiting", "scheduled", "queued"}:
            delay = 1000.0 if case.standing == "scheduled" else None
            if case.standing != "waiting":
                children.append(dependency(self.opener, self.parent, if_fails=IfFails.CONTINUE))
            top = new_run(self.parent, queue=self.parent, wake=IDLE, delay=delay, siblings=siblings)
            await put(store, top, *children)
            if case.standing != "waiting":
                await fail(store, self.opener)
            assert (await look(store, self.parent)).state == case.standing
            return
        await put(store, new_run(self.parent, queue=self.parent, siblings=siblings))
        self.claim = await hold(store, self.parent, lease=LEASE)
        await spawn(store, self.claim.lease, *children)
        if case.standing == "returned":
            await self._return()

    async def _end(self) -> None:
        match self.case.end:
            case "succeeded" | "failed":
                lease = (await hold(self.store, self.child, lease=LEASE)).lease
                good = self.case.end == "succeeded"
                outcome: Outcome = Complete(lease=lease, result=b"") if good else Fail(lease=lease, error=b"boom")
                for _ in range(1 + self.case.twice):
                    assert await settle(self.store, outcome) == Answer.OK
            case "cancelled":
                for answer in (Answer.OK, Answer.FINISHED)[: 1 + self.case.twice]:
                    assert await self.store.cancel([self.child]) == [answer]
            case end:
                if end == "crashed":
                    await hold(self.store, self.child, lease=10)
                await later(self.store, self.clock, 11)
                if self.case.twice:
                    await upkeep(self.store)
        run = await look(self.store, self.child)
        assert run.state.finished

    async def _afterwards(self) -> None:
        match self.case.afterwards:
            case "removed":
                assert await self.store.remove([self.child]) in [[Answer.OK], [Answer.CASCADING], [Answer.NOT_FOUND]]
            case "detached":
                assert await self.store.detach(self.child) in {Answer.OK, Answer.NOT_FOUND}
            case "redriven well" | "redriven badly":
                answers = await self.store.redrive([self.child])
                assert answers in [[Answer.OK], [Answer.CASCADING], [Answer.NOT_FOUND]]
                if answers == [Answer.OK] and await state(self.store, self.child) is State.QUEUED:
                    await self._explained()
                    await (succeed if self.case.afterwards == "redriven well" else fail)(self.store, self.child)
            case _:
                return
        await upkeep(self.store)

    async def _explained(self) -> None:
        """Whoever asks why the parent has not finished is told what to look at."""
        run = await look(self.store, self.parent)
        if run.state.finished:
            return
        why = await self.store.why(self.parent)
        assert why is not None
        match run.state:
            case State.WAITING:
                await self._waits_for_somebody(why)
            case State.SCHEDULED:
                assert why.reason == "due"
                assert why.until_at is not None
            case _:
                assert why.reason in {"running", "ending", "ready", "no_worker"}

    async def _waits_for_somebody(self, why: Why) -> None:
        assert why.reason in {"children", "blocked"}, why
        assert why.detail, why
        named = [await look(self.store, run_id) for run_id in why.detail]
        assert all(run.parent_id == self.parent and run.kind is Kind.DEPENDENCY for run in named), named
        if why.reason == "children":
            assert any(not run.state.finished for run in named), named
        else:
            [bad] = named
            assert bad.state in {State.FAILED, State.CANCELLED}
            assert (bad.counted, bad.if_fails) == (False, IfFails.BLOCK)

    async def _go_on(self) -> None:
        """What a worker, the clock, or somebody who read the reason would do next."""
        run = await look(self.store, self.parent)
        if run.state is State.RUNNING:
            await self._return()
        elif run.state is State.QUEUED:
            await succeed(self.store, self.parent)
        elif run.state is State.SCHEDULED:
            await later(self.store, self.clock, 1001)
        elif run.blocked_by is not None:
            assert await self.store.remove([run.blocked_by]) == [Answer.OK]
        else:
            why = await self.store.why(self.parent)
            assert why is not None
            for child in why.detail:
                if await state(self.store, child) is State.QUEUED:
                    await succeed(self.store, child)

    async def _return(self) -> None:
        assert self.claim is not None
        await settle(self.store, Complete(lease=self.claim.lease, result=b"mine"))

    async def _clear(self) -> None:
        """Nothing of this combination stands in the way of the next one."""
        await upkeep(self.store)
        left = [self.parent, self.child, self.sibling, self.opener]
        await self.store.cancel(left)
        await upkeep(self.store)
        await self.store.remove(left)
        assert await self.store.get(left) == [None] * 4


@pytest.mark.slow
@pytest.mark.skipif(EACH != 1, reason="the default suite plays a part of them")
async def test_no_parent_waits_silently(store: Store, clock: FakeClock, capsys: pytest.CaptureFixture[str]) -> None:
    ended = await play_all(store, clock, list(cases()))
    with capsys.disabled():
        sys.stdout.write(f"\n{type(store).__name__}: {sum(ended.values()):,} combinations {dict(ended)}\n")
    assert sum(ended.values()) == 5 * 5 * 5 * 5 * 3 * 2 * 2


@pytest.mark.parametrize("part", range(3))
async def test_some_parents_do_not_wait_silently(store: Store, clock: FakeClock, part: int) -> None:
    """S3-09, B-003, B-022, B-055: nothing is stuck, each end has a reason."""
    some = list(cases())[part * 71 :: 6 * EACH + 1]
    ended = await play_all(store, clock, some)
    assert set(ended) == {"succeeded", "failed"}


async def play_all(store: Store, clock: FakeClock, some: list[Case]) -> Counter[str]:
    ended: Counter[str] = Counter()
    for number, case in enumerate(some):
        try:
            ended[await Play(store, clock, case, number).play()] += 1
        except AssertionError as error:
            error.add_note(str(case))
            raise
    return ended
