"""A store that does not answer: the call is repeated as it was, then its caller hears of it."""

from typing import Any

import pytest

from penstock import App, Unavailable
from penstock.app import stores


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
    monkeypatch.setattr(stores, "PATIENCE", 1)

    @app.task
    async def task(n: int) -> None: ...

    entering = (await app._client.here()).entering
    with monkeypatch.context() as patched:
        patched.setattr(entering, "_call", Flaky(entering._call, failures=99))
        call = task.call(1)
        with pytest.raises(Unavailable, match="may have been applied") as away:
            await app.enqueue_many([call])
        assert away.value.applied == "unknown"
    (run,) = await app.enqueue_many([call])  # the same ids: repeating completes it
    assert [one.id for one in (await app.runs()).items] == [run.id] == [call.id]
