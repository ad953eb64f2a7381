"""A store that does not answer: the call is repeated as it was, then its caller hears of it."""

from typing import Any

import pytest

from penstock import App, Unavailable
from penstock.app import stores
from penstock.core.errors import Applied
from penstock.engine import patience


class Flaky:
    """Fails so often, after the call has been applied, then answers."""

    def __init__(self, call: Any, failures: int) -> None:
        self.call = call
        self.failures = failures
        self.asked: list[Any] = []

    async def __call__(self, items: list[Any]) -> Any:
        self.asked.append(items)
        answers = await self.call(items)
        if len(self.asked) <= self.failures:
            raise Unavailable("no answer", applied="unknown")
        return answers


async def test_a_call_that_may_have_been_applied_is_repeated_and_stores_one_run(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B-184."""

    @app.task
    async def task(n: int) -> None: ...

    entering = (await app._client.here()).entering
    flaky = Flaky(entering._call, failures=2)
    monkeypatch.setattr(entering, "_call", flaky)
    run = await task.enqueue(1)
    assert [one.id for one in (await app.runs()).items] == [run.id]
    assert flaky.asked == [flaky.asked[0]] * 3


async def test_a_store_that_stays_away_is_told_of(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.task
    async def task(n: int) -> None: ...

    entering = (await app._client.here()).entering
    with monkeypatch.context() as patched:
        patched.setattr(entering, "_call", Flaky(entering._call, failures=99))
        patched.setattr(entering, "_within", 0.5)
        call = task.call(1)
        with pytest.raises(Unavailable, match="may have been applied") as away:
            await app.enqueue_many([call])
        assert away.value.applied == "unknown"
    (run,) = await app.enqueue_many([call])  # the same ids: repeating completes it
    assert [one.id for one in (await app.runs()).items] == [run.id] == [call.id]


class Away:
    """A store that has been patient itself: each try takes so long, by a clock of its own."""

    def __init__(self, *answers: Applied, seconds: float, times: int = 1) -> None:
        self.answers = list(answers) * times
        self.seconds = seconds
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def __call__(self) -> None:
        self.now += self.seconds
        if self.answers:
            raise Unavailable("no answer", applied=self.answers.pop(0))


def at_once(backoff: patience.Backoff) -> float:
    """How long to wait before the next try."""
    return 0.0


@pytest.mark.parametrize(("seconds", "tries"), [(10.0, 1), (4.0, 3)])
async def test_how_long_a_caller_waits_is_counted_in_seconds_not_in_tries(
    monkeypatch: pytest.MonkeyPatch, seconds: float, tries: int
) -> None:
    """A store that waits 10 s for its server is not asked nine times: the caller hears of it after these."""
    away = Away("no", times=9, seconds=seconds)
    monkeypatch.setattr(patience, "time", away)
    monkeypatch.setattr(patience.Backoff, "wait", at_once)
    with pytest.raises(Unavailable) as told:
        await patience.repeat(away, within=stores.PATIENCE)
    assert (len(away.answers), told.value.applied) == (9 - tries, "no")


async def test_what_one_try_may_have_applied_no_later_one_denies(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away("unknown", "no", "no", seconds=4.0)
    monkeypatch.setattr(patience, "time", away)
    monkeypatch.setattr(patience.Backoff, "wait", at_once)
    with pytest.raises(Unavailable) as told:
        await patience.repeat(away, within=10.0)
    assert told.value.applied == "unknown"


async def test_workers_ask_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away("no", times=20, seconds=100.0)
    monkeypatch.setattr(patience, "time", away)
    monkeypatch.setattr(patience.Backoff, "wait", at_once)
    await patience.repeat(away)
    assert away.answers == []
