"""How often the store is asked for what workflows do: counted, so that a change that adds a round trip is seen."""

from typing import Any, Final

from penstock import App
from penstock.core.leases import RecordStep
from penstock.engine.host import RECORDS

READS: Final = ("get", "steps", "signals", "children")
STEPS: Final = 5
MANY: Final = 300


class Asked:
    """What a store has been asked: the sizes of calls of `record`, and which reads."""

    def __init__(self, store: Any) -> None:
        self.records: list[int] = []
        self.reads: list[str] = []
        record = store.record

        async def recorded(records: list[RecordStep]) -> Any:
            self.records.append(len(records))
            return await record(records)

        store.record = recorded
        for name in READS:
            self._listen(store, name)

    def _listen(self, store: Any, name: str) -> None:
        read = getattr(store, name)

        async def asked(*args: Any, **named: Any) -> Any:
            self.reads.append(name)
            return await read(*args, **named)

        setattr(store, name, asked)


async def test_a_lone_workflow_asks_once_for_each_step(app: App) -> None:
    """Each step is recorded before the next begins; a run without a history, or mail, reads nothing."""
    asked: list[Asked] = []

    @app.step
    async def one(n: int) -> int:
        assert len(asked[0].records) == n
        return n

    @app.workflow
    async def flow() -> list[int]:
        return [await one(n) for n in range(STEPS)]

    asked.append(Asked(await app._client.store()))
    async with app.worker():
        assert await (await flow.enqueue()).result() == list(range(STEPS))
    assert asked[0].records == [1] * STEPS
    assert "steps" not in asked[0].reads
    assert "signals" not in asked[0].reads


async def test_steps_of_many_workflows_share_calls_that_no_store_is_long_about(app: App) -> None:
    """As many as have gathered, up to a number: while the store writes these, the code of others goes on."""

    @app.step
    async def one(n: int) -> int:
        return n

    @app.workflow
    async def flow(n: int) -> int:
        return await one(n)

    asked = Asked(await app._client.store())
    async with app.worker(concurrency=MANY):
        runs = await app.enqueue_many([flow.call(n) for n in range(MANY)])
        assert [await run.result() for run in runs] == list(range(MANY))
    assert sum(asked.records) == MANY
    assert max(asked.records) <= RECORDS
    assert len(asked.records) <= MANY / 4
