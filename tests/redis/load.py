"""Runs whose course is known beforehand, enqueued and carried out through stores that may fail: nothing may differ.

What becomes of a run is told by its number: most are completed, some are handed back or retried once, record steps, or
wait for two others. Whatever is `Unavailable` is asked again as it was, as the engine does.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, cast

from penstock.core.answers import Accepted, Answer
from penstock.core.leases import Claim, ClaimRequest, Claims, Complete, Outcome, RecordStep, Release, Retry, Step
from penstock.core.policy import IfFails
from penstock.core.requests import Group
from penstock.core.run import ChildOf, NewRun, Run
from penstock.core.state import State
from penstock.engine.patience import repeat
from penstock.ports.doorbell import queue_topic
from penstock.ports.patient import Patient
from penstock.ports.store import Store
from tests.builders import able

QUEUE: Final = "load"
LEASE: Final = 600.0  # seconds: none is lost
KINDS: Final = ("release", "retry", "record", "flow", *(["plain"] * 6))
PAGE: Final = 500


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


class Load:
    """The runs, and what is known of them."""

    def __init__(self, seed: int, *, lease: float = LEASE) -> None:
        self.groups: Final[list[Group]] = []  # whose enqueue was answered
        self.numbers: Final[dict[str, int]] = {}  # of runs whose enqueue was answered
        self.tokens: Final[dict[str, set[str]]] = {}  # of the leases that were given out, by run
        self.ended: Final[set[str]] = set()
        self.answers: Final = Counter[str]()  # those that should not have been
        self._lease: Final = lease
        self._chance: Final = random.Random(seed)
        self._next: Final = itertools.count()
        self._claims: Final = itertools.count()
        self._producing = True

    # what goes in

    async def produce(self, store: Store) -> None:
        """Enqueue until told to stop."""
        while self._producing:
            groups = [Group(runs=self._runs()) for _ in range(self._chance.choice((1, 1, 2)))]
            answers = await repeat(partial(store.enqueue, groups))
            for group, answer in zip(groups, answers, strict=True):
                assert isinstance(answer, Accepted), answer
                assert [run.id for run in answer.runs] == [run.id for run in group.runs]
                self.groups.append(group)
                self.numbers.update({run.id: int(run.input) for run in group.runs})

    def stop(self) -> None:
        """Enqueue no more."""
        self._producing = False

    def _runs(self) -> tuple[NewRun, ...]:
        number = next(self._next)
        run = self._run(number)
        if kind_of(number) != "flow":
            return (run,)
        edge = ChildOf(parent_id=run.id, if_fails=IfFails.FAIL)
        return (run, self._run(number, edge, "a"), self._run(number, edge, "b"))

    def _run(self, number: int, parent: ChildOf | None = None, suffix: str = "") -> NewRun:
        run_id = f"n{number}{suffix}"
        return NewRun(id=run_id, task="t", queue=QUEUE, input=b"%d" % number, parent=parent)

    # what comes out

    async def work(self, store: Store, name: str) -> None:
        """Claim and settle until every run has ended."""
        listener = store.doorbell.listen([queue_topic(QUEUE)])
        outcomes: list[Outcome] = []
        try:
            while outcomes or not self.is_over:
                claims = await self._turn(store, name, outcomes)
                outcomes = [await self._carried_out(store, claim) for claim in claims]
                if not claims:
                    await listener.wait(0.1)
        finally:
            listener.close()

    @property
    def is_over(self) -> bool:
        return not self._producing and len(self.ended) == len(self.numbers)

    async def _turn(self, store: Store, name: str, outcomes: Sequence[Outcome]) -> Sequence[Claim]:
        request = ClaimRequest(
            claim_id=f"{name}-{next(self._claims)}",
            worker=name,
            queues=(QUEUE,),
            abilities=able("t"),
            limit=self._chance.choice((1, 2, 4)),
            lease=self._lease,
        )
        if not outcomes:
            claims = (await self._claimed(cast("Patient", store), request)).claims
        else:
            turned = await repeat(partial(store.turn, outcomes, request))
            claims = turned.claims.claims
            for outcome, answer in zip(outcomes, turned.answers, strict=True):
                self._answered(outcome, answer)
        for claim in claims:
            self.tokens.setdefault(claim.run_id, set()).add(claim.lease.token)
        return claims

    async def _claimed(self, store: Patient, request: ClaimRequest) -> Claims:
        """Half of the claims wait at the server, and of these some are given up before."""
        if self._chance.random() < 0.5:
            return await repeat(partial(cast("Store", store).claim, request))
        hurry = asyncio.get_running_loop().create_future()
        if self._chance.random() < 0.2:
            asyncio.get_running_loop().call_later(self._chance.random() / 100, hurry.cancel)
        claims = await store.claim_when_rung(request, 0.05, hurry)
        return await repeat(partial(store.claim_over, request)) if claims is None else claims

    def _answered(self, outcome: Outcome, answer: str) -> None:
        """A hand-back that is asked for again, when others have had the run since, is lost; nothing else may be."""
        if answer == Answer.OK and isinstance(outcome, Complete):
            self.ended.add(outcome.lease.run_id)
        elif answer != Answer.OK and not (answer == Answer.LOST and isinstance(outcome, Release | Retry)):
            self.answers[f"{answer} to {type(outcome).__name__}"] += 1

    async def _carried_out(self, store: Store, claim: Claim) -> Outcome:
        kind = kind_of(int(claim.input))
        if kind == "release" and claim.claims == 1:
            return Release(lease=claim.lease)
        if kind == "retry" and claim.claims == 1:
            return Retry(lease=claim.lease, delay=0.0, error=b"once")
        if kind == "record":
            steps = [RecordStep(lease=claim.lease, step=Step(path=path, value=b"v")) for path in ("one", "two")]
            for step in steps:
                [recorded] = await repeat(partial(store.record, [step]))
                if recorded.answer not in {Answer.OK, Answer.DUPLICATE}:
                    self.answers[f"{recorded.answer} to a step"] += 1
        return Complete(lease=claim.lease, result=b"done")

    # what must hold

    async def wrong(self, store: Store) -> list[str]:
        """What is not as it must be, a few of each kind. `store`: one that does not fail."""
        found = [f"unsound: {problem}" for problem in await store.check()]
        found += [f"answered {answer}, {times} times" for answer, times in self.answers.items()]
        ids = list(self.numbers)
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            for run_id, run in zip(part, await store.get(part), strict=True):
                found += self._wrong_with(run_id, run)
        stored = sum(count.n for count in await store.counts(cap=10_000_000))
        if stored != len(ids):
            found.append(f"{stored} runs are stored, {len(ids)} were accepted")
        return found[:20]

    def _wrong_with(self, run_id: str, run: Run | None) -> list[str]:
        if run is None:
            return [f"{run_id} is lost"]
        kind = kind_of(self.numbers[run_id])
        twice = kind in {"release", "retry"}
        seen = (run.state, run.claims, run.releases, run.failures, run.crashes, len(self.tokens.get(run_id, ())))
        must = (State.SUCCEEDED, 1 + twice, int(kind == "release"), int(kind == "retry"), 0, 1 + twice)
        return [] if seen == must else [f"{run_id} ({kind}): {seen}, must be {must}"]
