"""A store that loses its worker after a record of a given number: for tests of workflows."""

from collections.abc import Sequence
from typing import Any

from penstock.core.answers import Answer, Recorded
from penstock.core.leases import RecordStep
from penstock.ports.store import Store


class Losing:
    """Implements `Store`: what is written is written, and the worker hears that its lease is lost. `after` 0: never."""

    def __init__(self, store: Store, after: int) -> None:
        self._store = store
        self._after = after
        self.written = 0  # records
        self.twice: list[str] = []  # paths of what was carried out although it was recorded

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def record(self, records: Sequence[RecordStep]) -> list[Recorded]:
        """Write the steps one by one, until the one after which the worker is lost."""
        answers: list[Recorded] = []
        for one in records:
            if answers and answers[-1].answer is Answer.LOST:
                answers.append(Recorded(answer=Answer.LOST))
                continue
            (answer,) = await self._store.record([one])
            if answer.answer is Answer.DUPLICATE:
                self.twice.append(one.step.path)
            if answer.answer is Answer.OK:
                self.written += 1
                if self.written == self._after:
                    answer = Recorded(answer=Answer.LOST)
            answers.append(answer)
        return answers
