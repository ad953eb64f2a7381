"""Steps that write to the store's own database: what they write and their record are stored together, or neither.

The body runs in a thread, in a transaction that the store has begun. Knows no database.
"""

from asyncio import CancelledError
from typing import Final

from penstock.core.errors import Invalid, LeaseLost
from penstock.core.leases import Step
from penstock.core.tx import Tx
from penstock.models.journal import Place
from penstock.models.passage import Passage
from penstock.models.steps import Args, Failed, Named, StepBody

LONGEST: Final = 1.0  # seconds for which others wait for the database


class TogetherBody(StepBody):
    """A `def` that is given a `Tx`, by the parameter of this name."""

    parameter: str = ""

    @classmethod
    def of(cls, body: StepBody, parameter: str) -> "TogetherBody":
        """The same step, with a `Tx`. Raises `Invalid` for a time-out that nobody may have."""
        if body.timeout is not None and body.timeout > LONGEST:
            raise Invalid("timeout", body.timeout, f"with a Tx it is {LONGEST:g} s at most: everybody waits for it")
        made = cls(body.function, body.name, retry=body.retry, timeout=body.timeout, needs=body.needs)
        made.parameter = parameter
        return made

    async def tried(self, passage: Passage, place: Place, number: int, args: Args, named: Named) -> Step | Failed:
        begun = False

        def work(tx: Tx) -> Step:
            nonlocal begun
            begun = True
            value = self.call_in_thread(passage, args, {**named, self.parameter: tx})
            return place.outcome(value=passage.codec.encode(self.returns.encode(value)))

        try:
            return await passage.record_with(place.outcome(), work, self.timeout or LONGEST)
        except (CancelledError, LeaseLost, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 (whatever a step raises is its outcome)
            came = await self.failed(number, error)
            return came if begun else Failed(error=came.error, left=None)  # this store has none: it never will
