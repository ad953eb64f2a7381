"""A stage for workflows: an app in rehearsal that tells the time by the moved clock, and crashes on demand."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from penstock import App, Keep, options
from penstock.core.answers import Answer, Recorded
from penstock.core.leases import RecordStep
from penstock.testing import Rehearsal

LEASE = 31.0  # seconds after which what was lost is found


class Stage:
    """An app, what declares its workflows, and the rehearsal."""

    def __init__(self, app: App, rehearsal: Rehearsal) -> None:
        self.app = app
        self.play = rehearsal
        self.store = rehearsal._store
        self.ran: list[str] = []  # what bodies of steps have told, in order

    def tell(self, what: str) -> None:
        self.ran.append(what)

    def crash_after(self, *written: int) -> "Crashes":
        """Lose the worker right after the records of these numbers, from 1; the run never hears of them."""
        return Crashes(self, written)


class Crashes:
    """Stands before `store.record`: what is written is written, and the answer says that the lease is lost."""

    def __init__(self, stage: Stage, written: Sequence[int]) -> None:
        self._record = stage.store.record
        self._left = set(written)
        self.count = 0  # of records written
        self.twice: list[str] = []  # paths that were carried out though they were recorded
        stage.store.record = self.record  # type: ignore[method-assign]

    async def record(self, records: Sequence[RecordStep]) -> list[Recorded]:
        answers: list[Recorded] = []
        for one in records:
            if answers and answers[-1].answer is Answer.LOST:
                answers.append(Recorded(answer=Answer.LOST))
                continue
            (answer,) = await self._record([one])
            if answer.answer is Answer.DUPLICATE:
                self.twice.append(one.step.path)
            if answer.answer is Answer.OK:
                self.count += 1
                if self.count in self._left:
                    answer = Recorded(answer=Answer.LOST)
            answers.append(answer)
        return answers


@asynccontextmanager
async def staged(concurrency: int = 10) -> AsyncGenerator[Stage]:
    """A stage; in the end its store is sound."""
    app = App("memory://", defaults=options(keep=Keep(succeeded=1e9, failed=1e9)))
    async with app.testing(concurrency=concurrency) as rehearsal:
        yield Stage(app, rehearsal)
        assert await rehearsal.check() == []
