"""A flood of lines takes a bounded share of the store; who writes little waits for nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from penstock.engine import pacing
from penstock.engine.batcher import Batcher
from penstock.engine.pacing import Paced

MOST = 10


class Store:
    """Answers at once, and remembers how much was asked, and after which rests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, takes: float) -> None:
        self.calls: list[int] = []
        self.rests: list[float] = []
        self._now = 0.0
        self._takes = takes
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._now)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def append(self, items: Sequence[int]) -> list[str]:
        self.calls.append(len(items))
        self._now += self._takes
        return ["ok"] * len(items)

    async def _sleep(self, seconds: float) -> None:
        self.rests.append(seconds)
        self._now += seconds


async def test_a_full_call_is_followed_by_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(monkeypatch, takes=0.002)
    lines = Batcher[int, str](Paced(store.append, MOST), lambda _: 1, most=MOST)
    answers = [lines.put(number) for number in range(35)]
    await lines.drained()
    assert [one.result() for one in answers] == ["ok"] * 35
    assert store.calls == [10, 10, 10, 5]
    assert store.rests == pytest.approx([0.018] * 3)


async def test_what_fits_into_less_than_a_call_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(monkeypatch, takes=0.002)
    paced = Paced(store.append, MOST)
    for _ in range(20):
        await paced(range(MOST - 1))
    assert store.rests == []


async def test_a_slow_store_is_not_taken_for_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(monkeypatch, takes=3.0)
    paced = Paced(store.append, MOST)
    await paced(range(MOST))
    await paced(range(MOST))
    assert store.rests == pytest.approx([pacing.LONGEST])
