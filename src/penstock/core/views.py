"""What readers ask for and get: filters, pages, log entries, counts."""

from typing import Generic, TypeVar

import msgspec

from penstock.core.record import Record
from penstock.core.run import Run
from penstock.core.state import State

T = TypeVar("T")


class Filter(Record, frozen=True, kw_only=True):
    """Which runs: states (none = all), and at most one of the indexed names; `since`, `until` filter the page."""

    states: frozenset[State] = frozenset()
    queue: str | None = None
    task: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    schedule: str | None = None
    tag: str | None = None
    since_at: float | None = None  # enqueued not before
    until_at: float | None = None


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Some items in order, and where to go on: pass `after` to the same call; None = that was all."""

    items: tuple[T, ...]
    after: str | None = None


class LogEntry(Record, frozen=True, kw_only=True):
    """One line of a run's life. The sequence grows by order of events and never repeats for a run."""

    seq: int
    at: float
    kind: str  # enqueued claimed attempt crash release step progress log chunk redriven finished ...
    data: bytes = b""
    attempt: int = 0
    worker: str | None = None
    started_at: float | None = None  # of the attempt it speaks of


class Count(Record, frozen=True, kw_only=True):
    """How many; `capped`: at least so many."""

    queue: str
    state: State
    n: int
    capped: bool = False


class Why(Record, frozen=True, kw_only=True):
    """Why a run that is not finished stands where it stands. Derived when asked."""

    run: Run
    # due limit rate fair pause children blocked signal moment unique no_worker mismatch running ready ending open
    reason: str
    since_at: float
    detail: tuple[str, ...] = ()  # names: the limit and its key, the children, the signals, ...
    until_at: float | None = None  # where the reason ends by itself


class Signal(Record, frozen=True, kw_only=True):
    """One message in a run's mailbox; `seq` counts by name, from 1."""

    name: str
    seq: int
    payload: bytes
    at: float


class Rollup(Record, frozen=True, kw_only=True):
    """What one minute saw of a task in a queue: counts, and fixed log-bucket histograms of wait and run time."""

    minute: int  # unix minutes
    queue: str
    task: str
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    waits: tuple[int, ...] = ()  # bucket i: up to 2 ** i milliseconds
    times: tuple[int, ...] = ()


class StoreInfo(Record, frozen=True, kw_only=True):
    """Which store this is: mixed configurations are named by comparing it."""

    store_id: str
    schema: int
    namespace: str
    now: float
    durable: str  # "memory", "full", "fast", "aof", "points", "volatile", "unknown"
    left: int | None = None  # bytes for which there is room, in memory or on disk; None: no bound, or nobody says
