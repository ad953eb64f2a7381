"""Deduplication among processes that die: never two runs of a key, its last input where promised, none left out."""

import asyncio
import os
import random
import signal
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from penstock import State
from penstock.core.run import Run
from penstock.core.views import Filter
from tests.crash.conftest import Tell
from tests.crash.fleet import Fleet, Member, wait_until
from tests.crash.oracle import Event, events
from tests.crash.unique_worker import EVERY, FORMS, KEYS, LAST, Standing

pytestmark = pytest.mark.crash

WORKERS, PRODUCERS = 3, 2
BETWEEN = 0.7  # seconds between two kills
KILLS = int(os.environ.get("UNIQUE") or 15)
ENOUGH = 150  # runs, however slow the machine is
APART = 1_000_000  # numbers of one producer


class Stored:
    """What the store says in the end."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.claimed: dict[str, float] = {}  # when a run was claimed for the first time
        self.problems: list[str] = []

    async def read(self, folder: Path) -> None:
        standing = Standing(folder)
        async with standing.app as app:
            store, after = await app._client.store(), None
            for form in FORMS:
                while True:
                    page = await store.find(Filter(task=form), after=after, limit=500)
                    self.runs += page.items
                    after = page.after
                    if after is None:
                        break
            for run in self.runs:
                entries = await store.log(run.id, limit=3)
                [self.claimed[run.id]] = [entry.at for entry in entries if entry.kind == "claimed"]
            self.problems = await app.check()

    def by_key(self) -> dict[tuple[str, int], list[Run]]:
        """The runs of each form and key, in the order in which they were enqueued."""
        found = defaultdict[tuple[str, int], list[Run]](list)
        for run in sorted(self.runs, key=lambda run: run.enqueued_at):
            found[run.task, msgspec.json.decode(run.input)["key"]].append(run)
        return found


def all_over(folder: Path) -> bool:
    async def over() -> bool:
        async with Standing(folder).app as app:
            return all(count.state.finished for count in await app.counts())

    return asyncio.run(over())


def test_a_key_has_one_run_whoever_dies(tmp_path: Path, seed: int, tell: Tell) -> None:
    """S4-31, B-135, B-136, B-138: in all forms of `Unique`, while workers and those who ask are killed."""
    dice = random.Random(seed)
    with Fleet(tmp_path) as fleet:

        def begin(role: str, place: int, life: int) -> Member:
            name = f"{role}{place}-{life}"
            first = str((place * 1000 + life) * APART)
            return fleet.start(f"unique_{role}", name, name, *([first] if role == "producer" else []))

        members = {("worker", place): begin("worker", place, 0) for place in range(WORKERS)}
        members |= {("producer", place): begin("producer", place, 0) for place in range(PRODUCERS)}
        wait_until(lambda: fleet.look() and fleet.seen["ended"] >= 20, "the first runs", 60)
        for death in range(1, KILLS + 1):
            struck = time.monotonic()
            role, place = dice.choice(list(members))
            members[role, place].send(signal.SIGKILL)
            members[role, place].wait(30)
            members[role, place] = begin(role, place, death)
            wait_until(lambda: time.monotonic() > struck + BETWEEN, "the next kill", BETWEEN + 30)  # noqa: B023
        wait_until(lambda: fleet.look() and fleet.seen["ended"] >= ENOUGH, "enough runs", 240)
        for place in range(PRODUCERS):
            members["producer", place].hang_up()
        for place in range(PRODUCERS):
            members["producer", place].wait(60)
        wait_until(lambda: all_over(tmp_path), "the last runs", 240)
    told, stored = events(tmp_path), Stored()
    asyncio.run(stored.read(tmp_path))
    questions = sum(event.kind == "told" for event in told)
    tell(f"\n{questions} questions, {len(stored.runs)} runs, {KILLS} kills, seed {seed}")
    assert stored.problems == []
    assert [run for run in stored.runs if run.state is not State.SUCCEEDED] == [], "some never ended, or not well"
    assert all(n > KEYS for n in Counter(run.task for run in stored.runs).values()), "a form was hardly asked for"
    check_lives(stored)
    check_executions(stored, told)
    check_last_inputs(stored, told)


def check_lives(stored: Stored) -> None:
    """As the store tells it: the next run of a key begins its life when the key was free."""
    for (form, key), runs in stored.by_key().items():
        for one, other in pairwise(runs):
            what = f"{form} {key}: {one.id}, then {other.id}"
            assert one.finished_at is not None
            if form in {"finished", "throttled"}:
                assert other.enqueued_at >= one.finished_at, what
            if form == "throttled":
                assert other.enqueued_at >= one.enqueued_at + EVERY, what
            if form in {"started", "debounced"}:
                assert other.enqueued_at >= stored.claimed[one.id], what
            if form == "followed":
                assert stored.claimed[other.id] >= one.finished_at, what
    for run in stored.runs:
        assert run.claims == run.crashes + 1, f"{run.id} was let go more than once, or left"


def check_executions(stored: Stored, told: list[Event]) -> None:
    """As the processes tell it: no run of a key begins before the one before it has ended."""
    began, ended = dict[str, float](), dict[str, float]()
    for event in told:
        if event.kind == "began":
            began.setdefault(event.run, event.at)
        elif event.kind == "ended":
            ended[event.run] = event.at
    for (form, key), runs in stored.by_key().items():
        if form in {"finished", "throttled", "followed"}:
            for one, other in pairwise(runs):
                assert began[other.id] > ended[one.id], f"{form} {key}: {one.id} and {other.id} at once"


def check_last_inputs(stored: Stored, told: list[Event]) -> None:
    """What ran is what was asked last: nobody asked later for this run, and was told so."""
    tried = {event.number: event.at for event in told if event.kind == "trying"}
    answers = {event.number: event for event in told if event.kind == "told"}
    asked = defaultdict[str, list[int]](list)
    for asking, event in answers.items():
        asked[event.run].append(asking)
    again = 0
    for run in stored.runs:
        number: int = msgspec.json.decode(run.input)["number"]
        inputs = {event.number for event in told if event.kind == "began" and event.run == run.id}
        assert inputs == {number}, f"{run.id} began with {inputs}, and has {number}"
        answer = answers.get(number)
        assert answer is None or answer.run == run.id
        if run.task in LAST and answer is not None:
            later = [other for other in asked[run.id] if tried[other] > answer.at]
            assert later == [], f"{run.id} ({run.task}) ran with {number}, asked later for {later}"
            again += answer.answer == "known"
        if run.task not in LAST:
            assert answer is None or answer.answer == "created"
    assert again > 0, "nobody ever asked again in time"
