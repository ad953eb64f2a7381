"""What any worker does now and then on behalf of all. Each operation is its script; a round of upkeep is several."""

from collections.abc import Sequence
from typing import Final

from penstock.backends.redis import decode, encode
from penstock.backends.redis.calls import Calls
from penstock.backends.redis.moments import microseconds, seconds
from penstock.core.answers import Answer, Tended
from penstock.core.requests import Guard
from penstock.core.schedule import Fire
from penstock.core.views import Rollup

AT_ONCE: Final = 50  # runs that one script moves on: no more than a few milliseconds


class Upkeep:
    """Tend, fire, flush."""

    _calls: Calls

    async def tend(self, budget: int, guard: Guard) -> Tended:
        done = [0, 0, 0, 0, 0]
        purge = True
        while True:
            some = min(AT_ONCE, budget - sum(done))
            args = {
                "budget": some,
                "gap": microseconds(guard.gap),
                "hold": microseconds(guard.hold),
                "purge": purge,
            }
            *counts, held_back, next_in, again, purged = await self._calls.call("tend", args)
            done = [one + more for one, more in zip(done, counts, strict=True)]
            more = sum(done) >= budget
            if more or not (again or sum(counts) >= some):
                break
            purge = purge and (not purged or budget > AT_ONCE)  # no more roots are looked at than the budget says
        promoted, rescued, expired, cascaded, purged = done[1], done[0], done[2], done[3], done[4]
        return Tended(
            promoted=promoted,
            rescued=rescued,
            expired=expired,
            cascaded=cascaded,
            purged=purged,
            held_back=held_back,
            next_in=seconds(next_in),
            more=more,
        )

    async def fire(self, fire: Fire) -> Answer:
        runs = [] if fire.run is None else [fire.run]
        args = {
            "name": fire.name,
            "revision": fire.revision,
            "at": microseconds(fire.at),
            "next_at": microseconds(fire.next_at),
            "overlap": fire.overlap,
            "passed": fire.passed,
            "run": encode.run(fire.run) if fire.run is not None else None,
        }
        return decode.word(await self._calls.call("fire", args, encode.blobs(runs), encode.ids(runs)))

    async def flush(self, rollups: Sequence[Rollup], *, worker: str, number: int) -> None:
        rows = [
            [
                *(one.minute, one.queue, one.task, one.succeeded, one.failed, one.cancelled, one.retried),
                *(one.waits, one.times),
            ]
            for one in rollups
        ]
        await self._calls.call("flush", {"worker": worker, "number": number, "rollups": rows})
