"""What a store has of one graph run, read as its plan was told it: with what it began, the entries, and its end."""

from penstock.app import endings
from penstock.app.client import Client
from penstock.core.errors import Invalid
from penstock.core.record import Record
from penstock.core.run import Run
from penstock.core.state import State
from penstock.models.graph.chronicle import Chronicle
from penstock.models.graph.events import GraphEvent
from penstock.models.graph.history import History
from penstock.models.graph.rewinding import Past
from penstock.models.graph.session import Session
from penstock.models.graph.stored import (
    BAGGAGE,
    TASK,
    Baggage,
    Entry,
    GraphInput,
    decoded_baggage,
    decoded_entry,
    decoded_input,
    entries_of,
)


class Kept(Record, frozen=True, kw_only=True):
    """One graph run as it is stored."""

    run: Run
    given: GraphInput
    baggage: Baggage
    entries: tuple[Entry, ...]

    def session(self) -> Session:
        """The run planned again. Raises `InvalidBlueprint`."""
        session = Session(self.run.id, self.run.history, self.given.blueprint, self.baggage, self.given.rewinds)
        for entry in self.entries:
            session.take(entry)
        return session

    def chronicle(self) -> Chronicle:
        """Who tells it again. Raises `InvalidBlueprint`."""
        return Chronicle(self.run.id, self.run.history, self.given.blueprint, self.baggage, self.given.rewinds)

    def past(self) -> History:
        """What it was told in its present history. Raises `InvalidBlueprint`."""
        past = Past(self.chronicle().planner.scheme, self.baggage, self.given.rewinds, keeps_all=True)
        for entry in self.entries:
            past.take(entry)
        return past.history

    @property
    def end(self) -> GraphEvent | None:
        """How the run has ended; None if it has not."""
        run = self.run
        at = run.finished_at or 0.0
        match run.state:
            case State.SUCCEEDED:
                return GraphEvent(kind="graph.succeeded", at=at)
            case State.FAILED:
                return GraphEvent(kind="graph.failed", at=at, error=endings.error_of(run))
            case State.CANCELLED:
                return GraphEvent(kind="graph.cancelled", at=at, data=run.reason)
            case _:
                return None


async def read(client: Client, run: Run) -> Kept:
    """Read it. Raises `Invalid` for a run that is none of a graph."""
    if run.task != TASK:
        raise Invalid("run", run.id, f"the run of a graph, not of task {run.task}")
    codec, store = client.home.codec, await client.store()
    given = decoded_input(codec.decode(run.input))
    baggage = given.baggage
    if baggage is None:
        messages = await store.signals(run.id)
        baggage = decoded_baggage(codec.decode(next((one.payload for one in messages if one.name == BAGGAGE), b"")))
    steps = entries_of(await store.steps(run.id))
    entries = tuple(decoded_entry(codec.decode(step.value or b"")) for step in steps)
    return Kept(run=run, given=given, baggage=baggage, entries=entries)
