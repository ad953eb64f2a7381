"""The work of the crash tests: what each number does is known before it begins, so its end can be foretold."""

import asyncio
import random
import time
from enum import StrEnum
from typing import Final

import penstock
from penstock import App, Context, Retry, Snooze, State, Task
from tests.crash.chaos import Chaos

QUEUE: Final = "work"
CRASHES: Final = 1000  # so many lost workers fail no run here: that is tested by itself


class Plan(StrEnum):
    """What a number's run does."""

    QUICK = "quick"  # returns at once
    SHORT = "short"  # a few milliseconds
    SLOW = "slow"  # beyond its lease, kept alive by heartbeats
    BLOCKING = "blocking"  # blocks the loop beyond its lease, which is kept alive from another thread
    THREAD = "thread"  # in a thread, which nobody can interrupt
    FLAKY = "flaky"  # its first attempt fails
    HOPELESS = "hopeless"  # both attempts fail
    SNOOZE = "snooze"  # hands itself back once
    LATER = "later"  # is due a little later


_WEIGHTS: Final = {
    Plan.QUICK: 30,
    Plan.SHORT: 36,
    Plan.SLOW: 4,
    Plan.BLOCKING: 1,
    Plan.THREAD: 8,
    Plan.FLAKY: 8,
    Plan.HOPELESS: 4,
    Plan.SNOOZE: 4,
    Plan.LATER: 6,
}


def plan_of(number: int) -> Plan:
    """The same for everybody who asks."""
    chance = random.Random(number)
    return chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]


def result_of(number: int) -> int:
    return number * 7 + 1


def end_of(plan: Plan) -> tuple[State, int]:
    """How a run ends that nobody cancels, and how many of its attempts raise."""
    match plan:
        case Plan.HOPELESS:
            return State.FAILED, 2
        case Plan.FLAKY:
            return State.SUCCEEDED, 1
        case _:
            return State.SUCCEEDED, 0


class Broken(Exception):  # noqa: N818 (the name says what happened)
    """What failing attempts raise."""


class Work:
    """The tasks of an app, which write down each start and each effect."""

    def __init__(self, app: App, chaos: Chaos) -> None:
        self._chaos = chaos
        retry = Retry(2, delay=0.05)

        @app.task(queue=QUEUE, retry=retry, crashes=CRASHES)
        async def work(number: int, *, ctx: Context = penstock.inject()) -> int:
            plan = plan_of(number)
            self._start(number, ctx)
            if plan is Plan.SNOOZE and ctx._attempt.claim.claims == 1:
                raise Snooze("50ms")
            if plan is Plan.BLOCKING:
                time.sleep(1.2)  # noqa: ASYNC251 (what handlers should not do, and do)
            await asyncio.sleep(self._pause(plan))
            self._effect(number, plan, ctx)
            return result_of(number)

        @app.task(queue=QUEUE, retry=retry, crashes=CRASHES)
        def work_in_thread(number: int, *, ctx: Context = penstock.inject()) -> int:
            plan = plan_of(number)
            self._start(number, ctx)
            time.sleep(self._pause(plan))
            self._effect(number, plan, ctx)
            return result_of(number)

        self._work, self._work_in_thread = work, work_in_thread

    def task(self, number: int) -> Task[[int], int]:
        """The task that the number belongs to."""
        plan = plan_of(number)
        task = self._work_in_thread if plan is Plan.THREAD else self._work
        return task.opts(delay=0.4, priority=1) if plan is Plan.LATER else task

    def _start(self, number: int, ctx: Context) -> None:
        self._chaos.at("before_effect")
        self._chaos.journal.write("started", run=ctx.run_id, number=number, fence=ctx.fence, detail=str(ctx.attempt))

    def _effect(self, number: int, plan: Plan, ctx: Context) -> None:
        self._chaos.journal.write("effect", run=ctx.run_id, number=number, fence=ctx.fence)
        self._chaos.at("after_effect")
        if plan is Plan.HOPELESS or (plan is Plan.FLAKY and ctx.attempt == 1):
            raise Broken(f"attempt {ctx.attempt} of {number}")

    def _pause(self, plan: Plan) -> float:
        match plan:
            case Plan.SLOW:
                return random.uniform(0.5, 1.6)
            case Plan.SHORT | Plan.THREAD | Plan.LATER:
                return random.uniform(0.001, 0.03)
            case _:
                return 0.0
