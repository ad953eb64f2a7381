"""The part of an app for those who run it: workers, metrics, links for others, and a store in step with the code."""

from typing import Any

from penstock.app import tickets, workers
from penstock.app.metrics import LONGEST, Metrics, metrics_of
from penstock.app.operations import Operations
from penstock.app.sending import send
from penstock.app.synchronising import Changes, sync
from penstock.app.tickets import Link
from penstock.app.workers import WorkerStatus
from penstock.core.duration import Duration, Moment, moment, seconds
from penstock.core.errors import Invalid, NotFound
from penstock.core.ids import check_run_id
from penstock.core.names import check_name
from penstock.models.waits import Signal


class Administration(Operations):
    """`app.workers`, `app.metrics`, `app.synchronise`, `app.ticket`."""

    name: str | None

    async def workers(self) -> list[WorkerStatus]:
        """The workers that are alive."""
        return [workers.status_of(one) for one in await (await self._client.store()).workers()]

    async def metrics(
        self, last: Duration = "1h", *, until: Moment | None = None, task: str | None = None, queue: str | None = None
    ) -> Metrics:
        """What the minutes of so long a time saw, up to 7 days; of one task or queue, or of all.

        `until`: the end of that time, default now; the minute that is under way counts. Workers tell every 10 seconds
        what they have settled. To go further back, ask again with `until=` what `since` was.
        """
        span = seconds(last, "last", allow_zero=False)
        if span > LONGEST * 60:
            raise Invalid("last", last, "at most 7 days at a time: go further back with until=")
        for name, value in (("task", task), ("queue", queue)):
            if value is not None:
                check_name(value, name)
        store = await self._client.store()
        end = (await store.info()).now if until is None else moment(until, "until")
        over = int(-(-end // 60))
        first = max(0, over - int(-(-span // 60)))
        rows = [
            row for row in await store.rollups(first, over) if task in {None, row.task} and queue in {None, row.queue}
        ]
        return metrics_of(rows, first, over)

    async def synchronise(self, *, dry_run: bool = False) -> Changes:
        """Bring the store in step with this app's code: what it declares of tasks, limits and schedules.

        Workers do so when they start; a deploy may do it before. What no code of the app declares any more goes, unless
        it was declared within 30 seconds, a live worker declares it, or a run of it waits. `dry_run` only looks.
        Raises `Invalid` for an app without a name. `await app.sync()` is the same.
        """
        return await sync(self._client, self.name, dry=dry_run)

    async def ticket(
        self,
        run_id: str,
        signal: Signal[Any] | str,
        *,
        ttl: Duration = "7d",
        secret: str | None = None,
        public_url: str | None = None,
    ) -> Link:
        """A link with which a person or another service sends this signal to this run: once, for `ttl`, up to 90 days.

        A token is resolved with what the bearer says; whoever answers first, by whatever way, has answered.
        `secret` and `public_url` are those of the served app; without, PENSTOCK_SECRET and PENSTOCK_PUBLIC_URL. Nothing
        is stored for it. Raises `NotFound` if there is no such run, `Invalid` for what is refused.
        """
        name = signal.name if isinstance(signal, Signal) else check_name(signal, "signal")
        length = seconds(ttl, "ttl", allow_zero=False)
        if length > tickets.LONGEST:
            raise Invalid("ttl", ttl, "at most 90 days")
        _check_text(secret, "secret", "a text of at least 16 characters")
        maker = tickets.Tickets(tickets.secret_of(secret))
        _check_text(public_url, "public_url", "the URL by which others reach the served app")
        if await self._client.get(check_run_id(run_id, "run_id")) is None:
            raise NotFound("run", run_id)
        return tickets.link(maker, run_id, name, length, public_url)

    async def redeem(self, ticket: str, value: object = None, *, secret: str | None = None) -> str:
        """Send the signal that the ticket is for, with this value; the run's id. For sites with addresses of their own.

        Raises `Invalid` for a ticket that was not made with the secret, is over, or has been used; `NotFound` and
        `WrongState` if its run is gone or has finished.
        """
        _check_text(ticket, "ticket", "the text of a ticket")
        _check_text(secret, "secret", "a text of at least 16 characters")
        found = tickets.Tickets(tickets.secret_of(secret)).read(ticket)
        if found is None:
            raise Invalid("ticket", "***", "one that was made with this secret, and whose time is not over")
        said, once = tickets.sent_by(found, value)
        run_id, new = await send(self._client, found.signal, said, run_id=found.run_id, once=once)
        if not new:
            raise Invalid("ticket", "***", "one that has not been used")
        return run_id


def _check_text(value: object, parameter: str, allowed: str) -> None:
    if value is not None and not isinstance(value, str):
        raise Invalid(parameter, value, allowed)
