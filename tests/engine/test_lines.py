"""What runs say is stored whole and in order, and no more of it waits than there is room for."""

import asyncio
from collections.abc import Sequence

import pytest

from penstock.core.answers import Answer
from penstock.core.errors import Flooded
from penstock.core.leases import Append, Lease
from penstock.engine.lines import Lines

ROOM = 10
WITHIN = 30.0
ONE, OTHER = Lease(run_id="one", token="t"), Lease(run_id="other", token="t")


class Log:
    """Stores lines, when its gate is open."""

    def __init__(self) -> None:
        self.stored: list[Append] = []
        self.gate = asyncio.Event()

    async def append(self, lines: Sequence[Append]) -> list[Answer]:
        await self.gate.wait()
        self.stored += lines
        return [Answer.OK] * len(lines)

    def said(self, lease: Lease) -> list[bytes]:
        return [line.data for line in self.stored if line.lease == lease]


def line(number: int, lease: Lease = ONE) -> Append:
    return Append(lease=lease, kind="log", data=b"%d" % number)


async def test_code_on_the_loop_is_refused_what_there_is_no_room_for() -> None:
    log = Log()
    lines = Lines(log.append, most=ROOM)
    for number in range(ROOM):
        lines.append(line(number))
    with pytest.raises(Flooded, match=r"run one has 10 lines.*ctx\.flush") as refused:
        lines.append(line(ROOM))
    assert (refused.value.run_id, refused.value.waiting) == ("one", ROOM)
    lines.append(line(0, OTHER))  # each run has room of its own
    log.gate.set()
    async with asyncio.timeout(WITHIN):
        await lines.stored(ONE)
        lines.append(line(ROOM))
        await lines.drained()
    assert log.said(ONE) == [b"%d" % number for number in range(ROOM + 1)]
    assert log.said(OTHER) == [b"0"]
    assert [entry.number for entry in log.stored] == list(range(1, ROOM + 3))
    assert not lines.has(ONE)


async def test_bytes_count_as_well_but_one_line_always_fits() -> None:
    log = Log()
    lines = Lines(log.append, most_bytes=100)
    large = Append(lease=ONE, kind="chunk", data=b"x" * 500)
    lines.append(large)
    with pytest.raises(Flooded):
        lines.append(line(1))
    log.gate.set()
    async with asyncio.timeout(WITHIN):
        await lines.stored(ONE)
        lines.append(large)
        await lines.drained()
    assert len(log.stored) == 2


async def test_a_thread_waits_for_room() -> None:
    log = Log()
    lines = Lines(log.append, most=ROOM)
    many, most = 20 * ROOM, 0
    full, loop = asyncio.Event(), asyncio.get_running_loop()

    def speak() -> None:
        nonlocal most
        for number in range(many):
            lines.append(line(number))
            most = max(most, number + 1 - len(log.stored))
            if number + 1 == ROOM:
                loop.call_soon_threadsafe(full.set)

    async with asyncio.timeout(WITHIN):
        speaking = asyncio.create_task(asyncio.to_thread(speak))
        await full.wait()
        log.gate.set()
        await speaking
        await lines.drained()
    assert log.said(ONE) == [b"%d" % number for number in range(many)]
    assert most <= ROOM


async def test_who_waits_for_room_is_let_go_when_the_worker_closes() -> None:
    log = Log()
    lines = Lines(log.append, most=ROOM)

    full, loop = asyncio.Event(), asyncio.get_running_loop()

    def speak() -> None:
        for number in range(ROOM):
            lines.append(line(number))
        loop.call_soon_threadsafe(full.set)
        lines.append(line(ROOM))

    async with asyncio.timeout(WITHIN):
        speaking = asyncio.create_task(asyncio.to_thread(speak))
        await full.wait()
        await lines.close()
        await speaking
    assert log.stored == []
