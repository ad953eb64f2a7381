"""What passes between the store and the holder of a lease: claims, and what an attempt came to."""

from collections.abc import Mapping
from typing import TypeAlias

from penstock.core.record import Record
from penstock.core.run import About, Cause, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake


class Lease(Record, frozen=True, kw_only=True):
    """The right to settle one attempt of one run. The token is new with each claim and compared in every write."""

    run_id: str
    token: str


class Ability(Record, frozen=True, kw_only=True):
    """One task that a worker can run."""

    task: str
    version: str = ""  # runs that ask for no version, or for this one
    fingerprint: str = ""  # of its code: runs that have refused it are left to others


class ClaimRequest(Record, frozen=True, kw_only=True):
    """Who asks for how much. Asked twice with the same `claim_id`, it returns the same leases."""

    claim_id: str
    worker: str
    queues: tuple[str, ...]  # served in this order
    abilities: frozenset[Ability]
    limit: int
    lease: float  # seconds


class Claim(Record, frozen=True, kw_only=True):
    """A run that this worker now holds."""

    lease: Lease
    fence: int  # grows with each claim of the run: for callees that can refuse older ones
    run_id: str
    task: str
    queue: str
    version: str
    input: bytes
    options: bytes
    attempt: int  # this one, counted from 1; crashes and releases do not raise it
    life: int
    history: int
    claims: int
    crashes: int
    last_chance: bool = False  # it has crashed, and one more lost lease fails it
    enqueued_at: float
    started_at: float
    priority: int = 0
    deadline_at: float | None = None
    key: str | None = None
    parent_id: str | None = None
    root_id: str | None = None
    tags: tuple[str, ...] = ()
    pending: int = 0
    finishes: int = 0
    early: int = 0
    signals: Mapping[str, int] = {}  # arrived so far, by name
    ending: State | None = None  # set: run only the registered rollbacks
    reason: str | None = None
    about: About | None = None
    schedule: str | None = None
    nominal_at: float | None = None
    recorded: bool = False  # its history holds steps


class Claims(Record, frozen=True, kw_only=True):
    """The answer to a claim. `more`: it stopped at its bound with runs left to look at; ask again at once."""

    claims: tuple[Claim, ...] = ()
    more: bool = False


class Complete(Record, frozen=True, kw_only=True):
    """The handler returned. With dependencies pending the run waits for them, its result stored."""

    lease: Lease
    result: bytes


class Retry(Record, frozen=True, kw_only=True):
    """Another attempt, `delay` seconds from now. Without an error it is a snooze: no attempt is used."""

    lease: Lease
    delay: float
    error: bytes | None = None
    forget: tuple[str, ...] = ()  # paths of recorded errors that left the body; children among them are redriven


class Fail(Record, frozen=True, kw_only=True):
    """The run is over, badly."""

    lease: Lease
    error: bytes
    cause: Cause = Cause.ERROR
    forget: tuple[str, ...] = ()  # as of `Retry`, if the run is ever redriven


class Release(Record, frozen=True, kw_only=True):
    """Handed back, free of charge. `refused`: this code does not fit the run's history; leave it to other code."""

    lease: Lease
    refused: str | None = None
    unstarted: bool = False  # claimed ahead and given back: as if it had not been claimed


class Suspend(Record, frozen=True, kw_only=True):
    """Wait for `wake`. Ready at once if that has already happened."""

    lease: Lease
    wake: Wake


class Restart(Record, frozen=True, kw_only=True):
    """Continue as new: another history with this input; id, key, unread signals and started children stay."""

    lease: Lease
    input: bytes


Outcome: TypeAlias = Complete | Retry | Fail | Release | Suspend | Restart


class Step(Record, frozen=True, kw_only=True):
    """One durable record of a run's history."""

    path: str  # scope, name and ordinal; unique in the history
    scope: str = ""
    position: int = 0  # in its scope
    seen: int = 0  # leading positions of the scope that were settled when it was called
    kind: str = "step"  # "rollback" registers one; "wait", "call", "sleep", ...: the engine's words
    value: bytes | None = None
    error: bytes | None = None
    input_hash: bytes = b""
    child_id: str | None = None
    signal: str = ""  # the message that this step has read: name ...
    signal_seq: int = 0  # ... and number
    recorded_at: float = 0.0  # by the store


class RecordStep(Record, frozen=True, kw_only=True):
    """Write a step once. `silent`: only if no more than `arrived` messages of that signal have come, else `state`."""

    lease: Lease
    step: Step
    silent: str = ""
    arrived: int = 0


class Spawn(Record, frozen=True, kw_only=True):
    """Children of the held run: dependencies, calls or started ones. `flow`, `opens`, `closes`: as of a `Group`.

    `step`: written in the same move, and once: if its path is taken nothing is done, and that is `duplicate`.
    """

    lease: Lease
    runs: tuple[NewRun, ...]
    flow: str | None = None
    opens: bool = False
    closes: bool = False
    step: Step | None = None


class Append(Record, frozen=True, kw_only=True):
    """A line for the run's log."""

    lease: Lease
    kind: str  # "progress", "log", "chunk"
    data: bytes
    number: int = 0  # grows with the lines of a lease, so that a repeated call stores none twice; 0: not numbered


class Block(Record, frozen=True, kw_only=True):
    """No run of this rate starts for so many seconds. Refused for names the run does not use."""

    lease: Lease
    name: str = ""  # "": of all the rates that the run uses
    key: str = ""
    seconds: float


class Turn(Record, frozen=True, kw_only=True):
    """The answer to settle + claim in one."""

    answers: tuple[str, ...]
    claims: Claims
