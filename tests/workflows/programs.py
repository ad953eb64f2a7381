"""Random workflow programs as data, and code that carries them out: what it returns depends on all that it saw."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import strategies as st

import penstock

Program = list[Any]  # of statements: (word, ...)


@dataclass
class Machine:
    """Carries out the statements of a program; `effects` are the steps' bodies."""

    work: Any  # a step of (name, fails)
    child: Any  # a task of a number
    seen: list[Any]
    told: list[str]  # what the code has done, in the order in which it did it

    async def block(self, program: Program) -> list[Any]:
        return [await self.statement(one) for one in program]

    async def statement(self, one: Any) -> Any:
        word, *rest = one
        self.told.append(f"begin {one}")
        result = await getattr(self, f"do_{word}")(*rest)
        self.told.append(f"end {one}: {result}")
        return result

    async def do_step(self, n: int) -> Any:
        return await self.work(n)

    async def do_sleep(self, n: int) -> Any:
        await penstock.sleep(n * 60)
        return f"slept {n}"

    async def do_value(self) -> Any:
        return await penstock.random()

    async def do_child(self, n: int) -> Any:
        return await self.child(n)

    async def do_gather(self, branches: list[Program]) -> Any:
        return await asyncio.gather(*(self.block(branch) for branch in branches))

    async def do_group(self, branches: list[Program]) -> Any:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.block(branch)) for branch in branches]
        return [task.result() for task in tasks]

    async def do_race(self, branches: list[Program]) -> Any:
        """Who is first decides what comes next."""
        first, result = await penstock.wait_any(*(self.block(branch) for branch in branches))
        return [first, result, await self.work(100 + first)]

    async def do_queue(self, branches: list[Program]) -> Any:
        """What one consumer makes of several producers depends on the order in which they came."""
        queue: asyncio.Queue[Any] = asyncio.Queue()

        async def produce(branch: Program) -> None:
            for one in branch:
                await queue.put(await self.statement(one))

        async def consume(count: int) -> list[Any]:
            found: list[Any] = []
            for _ in range(count):
                found.append([await queue.get(), await self.work(200 + len(found))])
            return found

        consumer = asyncio.create_task(consume(sum(len(branch) for branch in branches)))
        await asyncio.gather(*(produce(branch) for branch in branches))
        return await consumer

    async def do_finally(self, inner: Program, after: int) -> Any:
        try:
            return await self.block(inner)
        finally:
            self.seen.append(await self.work(300 + after))

    async def do_fails(self, n: int) -> Any:
        try:
            return await self.work(-n)
        except Exception as error:  # noqa: BLE001 (as users write)
            return [str(error), await self.work(400 + n)]

    async def do_map(self, items: list[int]) -> Any:
        return await penstock.map(self.work, items, concurrency=2)

    async def do_bounded(self, n: int) -> Any:
        """A step that is always quicker than its time."""
        return await asyncio.wait_for(self.work(n), 60)


def _small() -> st.SearchStrategy[Any]:
    numbers = st.integers(1, 5)
    return st.one_of(
        st.tuples(st.just("step"), numbers),
        st.tuples(st.just("step"), numbers),
        st.tuples(st.just("sleep"), numbers),
        st.tuples(st.just("value")),
        st.tuples(st.just("child"), numbers),
        st.tuples(st.just("fails"), numbers),
        st.tuples(st.just("bounded"), numbers),
        st.tuples(st.just("map"), st.lists(numbers, max_size=4)),
    )


def _large(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = st.lists(inner, max_size=3)
    branches = st.lists(block, min_size=1, max_size=3)
    return st.one_of(
        st.tuples(st.just("gather"), branches),
        st.tuples(st.just("group"), branches),
        st.tuples(st.just("race"), branches),
        st.tuples(st.just("queue"), branches),
        st.tuples(st.just("finally"), block, st.integers(1, 5)),
    )


programs: st.SearchStrategy[Program] = st.lists(st.recursive(_small(), _large, max_leaves=8), max_size=5)


def is_settled(program: Any) -> bool:
    """Whether the result does not depend on who comes first, nor on chance."""
    if not isinstance(program, tuple | list):
        return program not in {"race", "queue", "value"}
    parts = cast("Sequence[Any]", program)
    return all(is_settled(one) for one in parts)
