"""What any worker does now and then on behalf of all. Each operation is its script."""

from collections.abc import Sequence
from typing import Final

from penstock.backends.sqlite import encode
from penstock.backends.sqlite.callers import fault_of, put_groups
from penstock.backends.sqlite.moments import microseconds
from penstock.backends.sqlite.procedures import sources
from penstock.backends.sqlite.session import Session
from penstock.backends.sqlite.writer import Writer
from penstock.core.answers import Answer, Tended
from penstock.core.requests import Group, Guard
from penstock.core.schedule import Fire
from penstock.core.views import Rollup

_DONE: Final = (
    "select x.promoted, x.rescued, x.expired, x.cascaded, x.purged, x.held_back, x.left_over <= 0 "
    "from penstock_tending x"
)


def tend(session: Session, budget: int, guard: Guard) -> Tended:
    """One round of upkeep."""
    session.call("tend", budget, microseconds(guard.gap), microseconds(guard.hold))
    promoted, rescued, expired, cascaded, purged, held_back, more = session.execute(_DONE).fetchone()
    text = session.sql(sources()["_next_in"].text)
    due = session.connection.execute(text, {"now": session.now}).fetchone()[0]
    return Tended(
        promoted=promoted,
        rescued=rescued,
        expired=expired,
        cascaded=cascaded,
        purged=purged,
        held_back=held_back,
        next_in=None if due is None else max(0, due - session.now) / 1e6,
        more=bool(more),
    )


class Upkeep:
    """Tend, fire, flush."""

    _writer: Writer
    _terms: set[int]

    async def tend(self, budget: int, guard: Guard) -> Tended:
        return await self._writer.do(lambda session: tend(session, budget, guard))

    async def fire(self, fire: Fire) -> Answer:
        def job(session: Session) -> Answer:
            groups = [] if fire.run is None else [Group(runs=(fire.run,))]
            encode.put_terms(session, [new for group in groups for new in group.runs], self._terms)
            put_groups(session, [(g, group, None, None, fault_of(group)) for g, group in enumerate(groups)])
            at, next_at = microseconds(fire.at), microseconds(fire.next_at)
            session.call("fire", fire.name, fire.revision, at, next_at, fire.overlap, fire.passed)
            return Answer(session.words(1)[0])

        return await self._writer.do(job)

    async def flush(self, rollups: Sequence[Rollup], *, worker: str, number: int) -> None:
        def job(session: Session) -> None:
            last = session.execute("select number from penstock_flush where worker = ?", (worker,)).fetchone()
            if last is not None and number <= last[0]:
                return
            session.execute("insert or replace into penstock_flush values (?, ?, ?)", (worker, number, session.now))
            session.each("flush", [(i, *_counts(one)) for i, one in enumerate(rollups)])

        await self._writer.do(job)


def _counts(one: Rollup) -> tuple[str | int, ...]:
    numbers = (one.succeeded, one.failed, one.cancelled, one.retried)
    return (one.minute, one.queue, one.task, *numbers, encode.text(one.waits), encode.text(one.times))
