"""Random programs that lose their worker after each record: they go the same way, and nothing recorded runs again."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from penstock import Retry
from tests.workflows.programs import Machine, Program, is_settled, programs
from tests.workflows.support import Stage, staged

EXAMPLES = int(os.environ.get("PROGRAMS", "60"))
EVERY = range(1, 1000)


class Trial:
    """One program on a stage of its own. `yields`: turns of the loop that the bodies of steps take."""

    def __init__(self, stage: Stage, yields: Sequence[int]) -> None:
        self.stage = stage
        self.passes: list[list[str]] = []  # what the code did, each time that it was called

        @stage.app.step(name="work", retry=Retry(2, delay=0, jitter=0))
        async def work(n: int) -> int:
            for _ in range(yields[n % len(yields)]):
                await asyncio.sleep(0)
            if n < 0:
                raise ValueError(f"fails {n}")
            return n * 10

        @stage.app.task(name="child", crashes=1000)
        async def child(n: int) -> int:
            stage.tell(f"child {n}")
            return n * 1000

        @stage.app.workflow(name="flow", crashes=1000)
        async def flow(program: list[Any]) -> list[Any]:
            machine = Machine(work, child, [], [])
            self.passes.append(machine.told)
            return [await machine.block(program), machine.seen]

        self.flow = flow

    async def result(self, program: Program) -> list[Any]:
        run = await self.flow.enqueue(program)
        await self.stage.play.advance("2d")
        return await run.result()


async def lost(program: Program, yields: Sequence[int], after: Sequence[int]) -> list[Any]:
    """The result of a program that loses its worker after the records of these numbers."""
    async with staged() as stage:
        trial = Trial(stage, yields)
        crashes = stage.crash_after(*after)
        result = await trial.result(program)
        assert crashes.twice == []
        whole = trial.passes[-1]
        for told in trial.passes:
            assert told == whole[: len(told)]  # it came as far as it came by the same way
        return result


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs, st.lists(st.integers(0, 6), min_size=1, max_size=5), st.sets(st.integers(1, 40), max_size=8))
@example([("race", [[("step", 1), ("step", 2)], [("step", 3)]])], [0, 5, 3], set())
@example([("queue", [[("step", 1)], [("sleep", 1)], [("child", 2)]])], [0, 5, 3], set())
def test_a_program_goes_the_same_way_however_often_its_worker_is_lost(
    program: Program, yields: list[int], some: set[int]
) -> None:
    """S4-19, S4-20, S4-21, S4-26, S4-28."""

    async def trials() -> None:
        results = [await lost(program, yields, after) for after in ((), EVERY, sorted(some))]
        if is_settled(program):
            assert results[0] == results[1] == results[2]

    asyncio.run(trials())
