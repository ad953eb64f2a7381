"""What the addresses share: the app, how it is served, and what may not leave. Knows no address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.app.app import App
from penstock.app.client import Client
from penstock.app.redaction import redacted
from penstock.app.status import Line, Status, line_of
from penstock.app.tickets import Passes, Tickets
from penstock.core.views import LogEntry
from penstock.ports.store import Store

Redact = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """One served app."""

    app: App
    client: Client
    redact: Redact
    tickets: Tickets | None  # None: there is no secret to sign them with
    passes: Passes | None  # None: there is no token that they could stand for
    dispatch_secret: bytes | None
    public_url: str

    async def store(self) -> Store:
        """The running loop's store."""
        return await self.client.store()

    def run(self, status: Status) -> dict[str, Any]:
        """The run as a document."""
        return redacted(msgspec.to_builtins(status), self.redact)

    def runs(self, statuses: Sequence[Status]) -> list[dict[str, Any]]:
        """The runs as documents."""
        return [self.run(status) for status in statuses]

    def line(self, line: Line) -> dict[str, Any]:
        """The line of a log as a document."""
        return redacted(msgspec.to_builtins(line), self.redact)

    def entries(self, entries: Sequence[LogEntry]) -> list[dict[str, Any]]:
        """What a store has logged, as documents."""
        return [self.line(line_of(entry)) for entry in entries]
