"""Claims that wait in the store. Not every store has them: who has not is asked when the doorbell rings."""

from asyncio import Future
from typing import Protocol

from penstock.core.leases import ClaimRequest, Claims


class Patient(Protocol):
    """What a store adds in which a claim can wait: it is made where and when there is something to claim.

    A worker has one claim at a time, waiting or not.
    """

    claims_wait: bool  # whether it can here and now

    async def claim_when_rung(self, request: ClaimRequest, seconds: float, hurry: Future[None]) -> Claims | None:
        """As `claim`, made as soon as one of the queues rings, or after so many seconds.

        None: nobody knows whether it was made, be it that the answer was lost, or that `hurry` was done before: ask
        `claim_over`. So does who was cancelled here.
        """
        ...

    async def claim_over(self, request: ClaimRequest) -> Claims:
        """What this claim that waited has brought, if it was made. It is not made any more from now on."""
        ...
