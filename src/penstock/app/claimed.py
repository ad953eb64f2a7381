"""A run claimed by hand: for programs that have a loop of their own, and settle what they took themselves."""

from collections.abc import Sequence
from typing import Any, Final

from penstock.app import status
from penstock.app.client import Client
from penstock.app.selection import listed
from penstock.core import error_record, ids, leases
from penstock.core.answers import Answer
from penstock.core.duration import Duration, seconds
from penstock.core.error_record import ErrorRecord
from penstock.core.errors import Invalid, LeaseLost
from penstock.core.leases import Ability, Claim, ClaimRequest, Complete, Fail, Outcome, Release
from penstock.core.names import check_name
from penstock.core.shape import Shape
from penstock.engine.identity import new_identity

_ANY: Final = Shape(Any, "result", output=True)


class Claimed:
    """A run that is yours until its lease ends. Settle it once: `complete`, `fail`, `retry` or `release`.

    Each raises `LeaseLost`, and has changed nothing, if the lease is over and somebody else may have the run.
    """

    def __init__(self, client: Client, claim: Claim) -> None:
        self._client = client
        self._claim = claim

    def __repr__(self) -> str:
        return f"<Claimed {self.id} of {self.task}>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self._claim.run_id

    @property
    def task(self) -> str:
        """The name of its task."""
        return self._claim.task

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._claim.attempt

    @property
    def fence(self) -> int:
        """A number that grows with each claim of the run."""
        return self._claim.fence

    @property
    def input(self) -> Any:
        """The arguments by name, as JSON has them."""
        return status.plain(self._client.home.codec.decode(self._claim.input))

    async def complete(self, result: object = None) -> None:
        """The run has succeeded with this result. Raises `OutputError` if it can't be stored."""
        handler = self._client.handlers.get(self.task)
        data = (handler.signature.returns if handler else _ANY).encode(result)
        await self._settle(Complete(lease=self._claim.lease, result=self._client.home.codec.encode(data)))

    async def fail(self, error: BaseException | str) -> None:
        """The run has failed for good."""
        await self._settle(Fail(lease=self._claim.lease, error=_described(error)))

    async def retry(self, delay: Duration = 0.0, *, error: BaseException | str) -> None:
        """The attempt has failed; another one may begin after the delay."""
        later = seconds(delay, "delay")
        await self._settle(leases.Retry(lease=self._claim.lease, delay=later, error=_described(error)))

    async def release(self) -> None:
        """Hand the run back, as if it had not been claimed."""
        await self._settle(Release(lease=self._claim.lease))

    async def extend(self, lease: Duration = "30s") -> bool:
        """Keep the run for so long from now on. False: kept, but somebody asks it to end."""
        store = await self._client.store()
        (answer,) = await store.extend([self._claim.lease], _lease(lease))
        if answer not in {Answer.OK, Answer.STOP}:
            raise LeaseLost(self.id)
        return answer is Answer.OK

    async def _settle(self, outcome: Outcome) -> None:
        (answer,) = await (await self._client.store()).settle([outcome])
        if answer is not Answer.OK:
            raise LeaseLost(self.id)


async def claim(client: Client, queue: str, tasks: Sequence[str] | None, lease: Duration) -> Claimed | None:
    """The next run of these tasks in the queue, or None at once: it is empty or paused."""
    if client.where.mode == "enqueue":
        raise Invalid("mode", "enqueue", "nothing is worked on here: set mode to both or work to claim")
    store = await client.store()
    request = ClaimRequest(
        claim_id=ids.new_claim_id(),
        worker=new_identity("manual"),
        queues=(check_name(queue, "queue"),),
        abilities=frozenset(Ability(task=task) for task in _tasks(client, tasks)),
        limit=1,
        lease=_lease(lease),
    )
    while True:
        found = await store.claim(request)
        if found.claims:
            return Claimed(client, found.claims[0])
        if not found.more:
            return None


def _tasks(client: Client, tasks: object) -> list[str]:
    allowed = "the names of the tasks to claim runs of; default: those registered here"
    named = listed(list(client.handlers) if tasks is None else tasks, "tasks", allowed)
    if not named:
        raise Invalid("tasks", tasks, allowed)
    return [check_name(task, "tasks") for task in named]


def _lease(value: object) -> float:
    lease = seconds(value, "lease")
    if not 1.0 <= lease <= 86_400.0:
        raise Invalid("lease", value, "1 second to 1 day")
    return lease


def _described(error: object) -> bytes:
    if isinstance(error, BaseException):
        return error_record.describe(error).encode()
    if isinstance(error, str) and error:
        return ErrorRecord(type="Error", message=error[:4000]).encode()
    raise Invalid("error", error, "an exception, or a text")
