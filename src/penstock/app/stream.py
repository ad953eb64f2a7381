"""A run's log as it grows: what is stored, then what comes, each line once, until the run ends.

A look, a wait for the bell, a look: the number of the last line is all that a stream remembers.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Self

from penstock.app import status
from penstock.app.client import Client
from penstock.app.portal import Portal
from penstock.app.status import Line
from penstock.core.errors import NotFound, Purged
from penstock.core.views import LogEntry


async def stream(client: Client, run_id: str, after: int, *, known: bool) -> AsyncGenerator[Line]:
    """The lines after that number, those to come included; ends with the run. Raises as `parts` does."""
    async with aclosing(parts(client, run_id, after, known=known)) as found:
        async for entries in found:
            for entry in entries:
                yield status.line_of(entry)


async def parts(client: Client, run_id: str, after: int, *, known: bool) -> AsyncGenerator[Sequence[LogEntry]]:
    """The same in parts, each of what one look has found: at least one line, at most a page.

    Raises `NotFound` if nobody knows the run, or `Purged` if it was `known` to exist and its record is gone.
    """
    tails = (await client.here()).tails
    async with tails.follow(run_id) as tail:
        while True:
            heard = tail.rings
            seen = await tails.look(run_id, after)
            if seen.state is None:
                raise Purged(run_id) if known else NotFound("run", run_id)
            known = True
            if seen.lines:
                yield seen.lines
                after = seen.lines[-1].seq
            if not seen.all:
                continue
            if seen.lines[-1].kind == "finished" if seen.lines else seen.state.finished:
                return
            await tail.wait(heard)


class SyncStream:
    """The same for code without a loop: an iterator whose next line may take its time. `close` ends it early."""

    def __init__(self, lines: AsyncGenerator[Line], portal: Portal) -> None:
        self._lines = lines
        self._portal = portal

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        line = self._portal.call(self._next)
        if line is None:
            raise StopIteration
        return line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Follow the run no more."""
        self._portal.call(self._lines.aclose)

    async def _next(self) -> Line | None:
        return await anext(self._lines, None)
