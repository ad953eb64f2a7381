"""Records of the contract as rows for the procedures. Knows no statement but the columns of what it fills."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from penstock.backends.sqlite.moments import microseconds
from penstock.backends.sqlite.session import Row, Session, Value
from penstock.core.leases import Complete, Fail, Outcome, RecordStep, Release, Restart, Retry, Suspend
from penstock.core.requests import Counted
from penstock.core.run import FollowUp, Keep, Key, Kind, NewRun, Siblings
from penstock.core.wake import Wake

INLINE: Final = 2_048  # bytes of input beside which nothing else is kept; as in put_input.sql

# fmt: off
INCOMING: Final = (
    "g", "i", "id", "task", "queue", "version", "input", "options", "priority", "start_at", "delay", "expires",
    "deadline", "terms", "key", "input_hash", "key_ttl", "parent_id", "kind", "if_fails", "name", "cascade", "waits",
    "wake_at", "wake_delay", "idle", "finishes", "early", "calls", "signals", "limits", "tags", "schedule",
    "nominal_at", "fair", "weight", "key_starts", "key_every", "replace_", "follow",
)
TERMS: Final = (
    "id", "succeeded", "failed", "newest", "crashes", "siblings", "dead_letter", "on_success", "on_failure",
)
# fmt: on

_json: Final = msgspec.json.encode


def text(value: object) -> str:
    """The value as JSON."""
    return _json(value).decode()


@lru_cache(4096)
def terms_of(  # noqa: PLR0917 (a cache takes them by place)
    keep: Keep,
    crashes: int,
    siblings: Siblings,
    dead_letter: str | None,
    on_success: FollowUp | None,
    on_failure: FollowUp | None,
    lifo: bool,  # noqa: FBT001
) -> tuple[int, int | None, tuple[Row, ...]]:
    """What whole tasks have in common: the number that stands for it; how long a run is kept if nothing else follows
    from its success; and the rows behind the number.
    """
    rows: tuple[Row, ...] = ()
    after = 0
    if on_success is not None or on_failure is not None:
        plain = NewRun(id="", task="")
        after, _, rows = terms_of(keep, plain.crashes, plain.siblings, None, None, None, False)
    values: Row = (
        microseconds(keep.succeeded),
        microseconds(keep.failed),
        keep.newest,
        crashes,
        siblings.value,
        dead_letter,
        *(None if one is None else text([one.task, one.queue, one.version, after]) for one in (on_success, on_failure)),
    )
    told = (*values, "lifo") if lifo else values
    number = int.from_bytes(hashlib.sha256(_json(told)).digest()[:8], "big", signed=True)
    kept = microseconds(keep.succeeded) if on_success is None else None
    return number, kept, (*rows, (number, *values))


def terms(new: NewRun) -> tuple[int, int | None, tuple[Row, ...]]:
    """The terms of a new run."""
    return terms_of(new.keep, new.crashes, new.siblings, new.dead_letter, new.on_success, new.on_failure, new.lifo)


def is_plain(new: NewRun) -> bool:
    """Whether the run has nothing but itself: no other row is touched when it is stored."""
    return (
        new.parent is None
        and new.key is None
        and new.wake is None
        and not new.limits
        and new.fair is None
        and not new.tags
        and new.schedule is None
        and not new.lifo
        and len(new.input) <= INLINE
    )


def is_timed(new: NewRun) -> bool:
    """Whether time means something to the run."""
    return not (new.at is None and new.delay is None and new.expires is None and new.deadline is None)


def plain(n: int, new: NewRun) -> Row:
    """The row of a plain run that is ready, as _plain.sql has it."""
    number, kept, _ = terms(new)
    return (n, new.id, new.task, new.queue, new.version, new.priority, new.input, new.options, number, kept)


def timed(n: int, new: NewRun, now: int) -> Row:
    """The row of any plain run, as _timed.sql has it."""
    due = now + microseconds(new.delay or 0.0) if new.at is None else microseconds(new.at)
    expires, deadline = microseconds(new.expires), microseconds(new.deadline)
    expires_at = None if expires is None else max(due, now) + expires
    deadline_at = None if deadline is None else now + deadline
    ready = due <= now
    return (
        *plain(n, new),
        n if ready else None,
        "queued" if ready else "scheduled",
        1 if ready else None,
        None if ready else due,
        min([moment for moment in (expires_at, deadline_at) if moment is not None], default=None),
        microseconds(new.at),
        expires,
        expires_at,
        deadline,
        deadline_at,
    )


def incoming(g: int, i: int, new: NewRun) -> Row:
    """The row of any run, by `INCOMING`."""
    key, edge = new.key, new.parent
    limits, fair, weight = counted(new)
    return (
        g,
        i,
        new.id,
        new.task,
        new.queue,
        new.version,
        new.input,
        new.options,
        new.priority,
        microseconds(new.at),
        microseconds(new.delay),
        microseconds(new.expires),
        microseconds(new.deadline),
        terms(new)[0],
        *((None, None, None) if key is None else (key.key, key.input_hash, microseconds(key.ttl))),
        *(
            (None, None, None, None, 1)
            if edge is None
            else (
                edge.parent_id,
                edge.kind.value,
                edge.if_fails.value if edge.kind is Kind.DEPENDENCY else None,
                edge.name,
                int(edge.cascade),
            )
        ),
        *_wake(new.wake),
        limits,
        text(new.tags) if new.tags else None,
        new.schedule,
        microseconds(new.nominal_at),
        fair,
        weight,
        *_unique(key),
    )


def counted(new: NewRun | Counted) -> tuple[str | None, str | None, int | None]:
    """Limits, value and weight, as a run has them."""
    limits = text([(ref.name, ref.key) for ref in new.limits]) if new.limits else None
    return limits, new.fair, None if new.fair is None else new.weight


def _unique(key: Key | None) -> Row:
    """What a key says beyond idempotency; NULL where it says nothing."""
    if key is None:
        return (None, None, None, None)
    starts, every = 1 if key.until == "started" else None, microseconds(key.every) or None
    return (starts, every, int(key.replace), int(key.follow))


def _wake(wake: Wake | None) -> Row:
    if wake is None:
        return (0, None, None, 0, None, None, "[]", "{}")
    return (
        1,
        microseconds(wake.at),
        microseconds(wake.delay),
        int(wake.idle),
        wake.finishes,
        wake.early,
        text(wake.of),
        text(wake.signals),
    )


OPERATIONS: Final[dict[type, str]] = {
    Complete: "complete",
    Retry: "retry",
    Fail: "fail",
    Release: "release",
    Suspend: "suspend",
    Restart: "restart",
}


def outcome(i: int, settled: Outcome, now: int) -> Row:
    """The row of an outcome for the operation of its kind."""
    lease = settled.lease
    match settled:
        case Complete(result=result):
            values: tuple[Value, ...] = (result,)
        case Retry(delay=delay, error=error, forget=forget):
            values = (microseconds(delay), error, text(forget) if forget else None)
        case Fail(error=error, cause=cause, forget=forget):
            values = (error, cause.value, text(forget) if forget else None)
        case Release(refused=refused, unstarted=unstarted):
            values = (refused, int(unstarted))
        case Suspend(wake=wake):
            at = microseconds(wake.at)
            if wake.delay is not None:
                after = now + microseconds(wake.delay)
                at = after if at is None else min(at, after)
            values = (at, int(wake.idle), wake.finishes, wake.early, text(wake.of), text(wake.signals))
        case Restart(input=new_input):
            values = (new_input,)
    return (i, lease.run_id, lease.token, *values)


def step(i: int, item: RecordStep) -> Row:
    """The row of a step to be recorded."""
    one = item.step
    return (
        i,
        item.lease.run_id,
        item.lease.token,
        one.path,
        one.scope,
        one.position,
        one.seen,
        one.kind,
        one.value,
        one.error,
        one.input_hash,
        one.child_id,
        one.signal,
        one.signal_seq,
        item.silent,
        item.arrived,
    )


def put_terms(session: Session, runs: Sequence[NewRun], known: set[int]) -> None:
    """Store the terms of these runs, those that are not `known` to be there."""
    wanted = {number: rows for number, _, rows in {terms(new) for new in runs} if number not in known}
    for row in {row for rows in wanted.values() for row in rows}:
        session.execute(f"insert or ignore into penstock_terms values ({', '.join('?' * len(TERMS))})", row)  # noqa: S608
    if wanted:
        for number in {terms(new)[0] for new in runs if new.lifo}.intersection(wanted):
            session.execute("insert or ignore into penstock_lifo values (?)", (number,))
        session.after.append(lambda: known.update(wanted))
