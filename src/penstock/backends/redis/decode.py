"""Answers of scripts as records of the contract. A plain run comes as it is stored, others by number of field."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from penstock.backends.redis.encode import LETTERS
from penstock.backends.redis.moments import seconds
from penstock.backends.redis.plain import COUNTED, HEAD, number, plain
from penstock.backends.redis.refs import id_of, ref_of
from penstock.backends.redis.scripts import fields
from penstock.core.answers import Accepted, Answer, Entered, Refused
from penstock.core.leases import Claim, Lease, Step
from penstock.core.limits import LimitRef
from penstock.core.policy import IfFails
from penstock.core.run import About, Cause, Keep, Kind, NewRun, Run, Siblings
from penstock.core.state import State
from penstock.core.wake import Wake

Reply: TypeAlias = Any
Fields: TypeAlias = dict[int, Any]

STATES: Final = {letter.encode(): state for state, letter in LETTERS.items()}
_NUMBER: Final = {name: number for number, name in enumerate(fields(), start=1)}

_NONE: Final[dict[str, Any]] = {}

_unpack_term: Final = msgspec.msgpack.Decoder().decode


class Term(msgspec.Struct, frozen=True):
    """What the runs of a task have in common."""

    task: str
    queue: str
    version: str
    crashes: int
    siblings: Siblings
    keep: Keep
    dead_letter: str | None


@lru_cache(maxsize=4096)
def _term(text: bytes) -> Term:
    task, queue, version, crashes, siblings, succeeded, failed, newest, dead_letter, *_ = _unpack_term(text)
    keep = Keep(succeeded=succeeded / 1e6, failed=failed / 1e6, newest=newest)
    return Term(task, queue, version, crashes, Siblings(siblings), keep, dead_letter or None)


def terms(reply: Reply) -> dict[int, Term]:
    """Number -> term."""
    return {int(reply[i]): _term(reply[i + 1]) for i in range(0, len(reply), 2)}


class Row:
    """The fields of one run by name, whatever form they came in."""

    def __init__(self, stored: bytes | Sequence[Any]) -> None:
        if isinstance(stored, bytes):
            self.fields = {_NUMBER[name]: value for name, value in plain(stored).items()}
        else:
            self.fields = dict(zip(stored[::2], stored[1::2], strict=True))

    def get(self, name: str, usual: Any = None) -> Any:
        found = self.fields.get(_NUMBER[name])
        return usual if found is None else found

    def text(self, name: str) -> str | None:
        found = self.get(name)
        return None if found is None else found.decode()

    def id(self, name: str) -> str | None:
        found = self.get(name)
        return None if found is None else id_of(found)

    def moment(self, name: str) -> float | None:
        return seconds(self.get(name))


def limits(row: Row) -> tuple[LimitRef, ...]:
    pairs = (one.decode().partition(":") for one in row.get("limits", ()))
    return tuple(LimitRef(name=name, key=key) for name, _, key in pairs)


def wake(stored: list[Any] | None) -> Wake | None:
    if stored is None:
        return None
    at, delay, idle, finishes, early, of, signals = stored
    return Wake(
        at=seconds(at),
        delay=seconds(delay),
        idle=bool(idle),
        finishes=finishes,
        early=early,
        of=tuple((tuple(map(id_of, entry[0])), entry[1]) for entry in of),
        signals={signals[i].decode(): signals[i + 1] for i in range(0, len(signals), 2)},
    )


def _texts(found: list[bytes] | None) -> tuple[str, ...]:
    return tuple(one.decode() for one in found or ())


def run(seen: list[Any], known: dict[int, Term]) -> Run:
    """A run as it is seen: its reference, what is stored, when its lease is over, and what stood beside a plain one."""
    ref, stored, lease, *beside = seen
    if isinstance(stored, bytes):
        return _plain_run(ref, stored, lease, beside[0] if beside else (), known)
    row = Row(stored)
    term = known[row.get("term")]
    parent = row.id("parent")
    cause, ending, refused = row.text("cause"), row.get("ending"), row.text("refused")
    if_fails = row.text("if_fails")
    return Run(
        id=id_of(ref),
        task=term.task,
        queue=term.queue,
        version=term.version,
        state=STATES[row.get("state")],
        life=row.get("life", 1),
        history=row.get("history", 0),
        input=row.get("input", b""),
        options=row.get("options", b""),
        priority=row.get("priority", 0),
        enqueued_at=row.get("enqueued_at") / 1e6,
        since_at=row.get("since_at") / 1e6,
        due_at=row.moment("due_at"),
        started_at=row.moment("started_at"),
        finished_at=row.moment("finished_at"),
        expires_at=row.moment("expires_at"),
        deadline_at=row.moment("deadline_at"),
        claims=row.get("claims", 0),
        failures=row.get("failures", 0),
        crashes=row.get("crashes", 0),
        releases=row.get("releases", 0),
        max_crashes=term.crashes,
        worker=row.text("worker"),
        lease_expires_at=seconds(lease),
        key=row.text("key"),
        parent_id=parent,
        root_id=row.id("root"),
        kind=Kind(row.get("kind").decode()) if parent is not None else None,
        if_fails=IfFails(if_fails) if if_fails is not None else None,
        name=row.text("name") or "",
        siblings=term.siblings,
        pending=row.get("pending", 0),
        finishes=row.get("finishes", 0),
        early=row.get("early", 0),
        counted=bool(row.get("counted")),
        wake=wake(row.get("wake")),
        returned=bool(row.get("returned")),
        blocked_by=row.id("blocked_by"),
        open=bool(row.get("open")),
        ending=STATES[ending] if ending is not None else None,
        rollbacks=bool(row.get("rollbacks")),
        result=row.get("result"),
        error=row.get("error"),
        cause=Cause(cause) if cause is not None else None,
        cause_id=row.id("cause_id"),
        reason=row.text("reason"),
        limits=limits(row),
        fair=row.text("fair"),
        weight=row.get("weight", 1),
        tags=_texts(row.get("tags")),
        keep=term.keep,
        dead_letter=term.dead_letter,
        refused=tuple(refused.split("\n")) if refused else (),
        schedule=row.text("schedule"),
        nominal_at=row.moment("nominal_at"),
    )


def _plain_run(ref: bytes, stored: bytes, lease: Any, beside: Sequence[Any], known: dict[int, Term]) -> Run:
    """The same of a plain run: the straight way, for there are many of them."""
    found = plain(stored)
    term = known[found["term"]]
    others: dict[str, Any] = {"priority": 0}
    if beside:
        row = Row(beside)
        kind, if_fails = row.get("kind"), row.text("if_fails")
        others = {
            "priority": row.get("priority", 0),
            "due_at": row.moment("due_at"),
            "parent_id": row.id("parent"),
            "root_id": row.id("root"),
            "kind": None if kind is None else Kind(kind.decode()),
            "if_fails": None if if_fails is None else IfFails(if_fails),
            "name": row.text("name") or "",
            "counted": found["watched"] >= COUNTED,
            "tags": _texts(row.get("tags")),
        }
        found["since_at"] = row.get("since_at", found["since_at"])
    return Run(
        id=id_of(ref),
        task=term.task,
        queue=term.queue,
        version=term.version,
        state=STATES[found["state"]],
        life=1,
        history=0,
        input=found["input"],
        options=found["options"],
        enqueued_at=found["enqueued_at"] / 1e6,
        since_at=found["since_at"] / 1e6,
        started_at=seconds(found.get("started_at")),
        finished_at=seconds(found.get("finished_at")),
        claims=found.get("claims", 0),
        max_crashes=term.crashes,
        worker=found["worker"].decode() if "worker" in found else None,
        lease_expires_at=seconds(lease),
        siblings=term.siblings,
        result=found.get("result"),
        keep=term.keep,
        dead_letter=term.dead_letter,
        **others,
    )


def brought(run_id: str, said: bytes) -> Run:
    """A run that its end has brought along: the length of its term, the term, and the run as it is stored."""
    size = number(said[:2])
    stored = said[2 + size :]
    term = Row(stored).get("term")
    return run([ref_of(run_id), stored, None], {term: _term(said[2 : 2 + size])})


def about(stored: list[Any] | None) -> About | None:
    if stored is None:
        return None
    ref, life, task, state, attempts, cause, cause_id, error, result = stored
    return About(
        run_id=id_of(ref),
        life=life,
        task=task.decode(),
        state=State(state.decode()),
        attempts=attempts,
        cause=Cause(cause.decode()) if cause is not None else None,
        cause_id=id_of(cause_id) if cause_id is not None else None,
        error=error,
        result=result,
    )


def claims(
    found: Sequence[Any], known: dict[int, Term], token: str, worker: str, besides: Sequence[Any] = ()
) -> tuple[Claim, ...]:
    """The runs that are now held: reference and what is stored of each, by turns.

    `besides`: what may stand in it beside the fields of a plain run, as it is stored and as fields, by turns.
    """
    beside = 9 + len(token.encode()) + len(worker.encode())  # the moment, token and worker with their lengths
    more = {packed: Row(fields) for packed, fields in zip(besides[::2], besides[1::2], strict=True)}
    return tuple(
        [
            _claimed(ref, stored, known, (token, beside, more))
            if type(stored) is bytes
            else claim(ref, stored, known, token)
            for ref, stored in zip(found[::2], found[1::2], strict=True)
        ]
    )


def _claimed(ref: bytes, stored: bytes, known: dict[int, Term], about_all: tuple[str, int, dict[bytes, Row]]) -> Claim:
    """As `claim`, of a plain run, or one with no more than a few fields beside: the straight way."""
    token, beside, more = about_all
    form, _, place, _, enqueued_at, size = HEAD.unpack_from(stored)
    term = known[number(place)]
    run_id = id_of(ref)
    at = number(stored[HEAD.size : HEAD.size + 7])
    body = HEAD.size + beside
    if form == b"R":
        end = body + 2 + number(stored[body : body + 2])
        row, body = more[stored[body + 2 : end]], end
        others: dict[str, Any] = {"priority": row.get("priority", 0), "tags": _texts(row.get("tags"))}
        others |= {"parent_id": row.id("parent"), "root_id": row.id("root")}
    else:
        others = _NONE
    return Claim(
        lease=Lease(run_id=run_id, token=token),
        fence=at,
        run_id=run_id,
        task=term.task,
        queue=term.queue,
        version=term.version,
        input=stored[body + size :],
        options=stored[body : body + size],
        attempt=1,
        life=1,
        history=0,
        claims=1,
        crashes=0,
        enqueued_at=number(enqueued_at) / 1e6,
        started_at=at / 1e6,
        **others,
    )


def claim(ref: bytes, stored: bytes | list[Any], known: dict[int, Term], token: str) -> Claim:
    """A run that is now held."""
    row = Row(stored)
    term = known[row.get("term")]
    run_id = id_of(ref)
    crashes, mail, ending = row.get("crashes", 0), row.get("mail", ()), row.get("ending")
    return Claim(
        lease=Lease(run_id=run_id, token=token),
        fence=row.get("fence"),
        run_id=run_id,
        task=term.task,
        queue=term.queue,
        version=term.version,
        input=row.get("input", b""),
        options=row.get("options", b""),
        attempt=row.get("failures", 0) + 1,
        life=row.get("life", 1),
        history=row.get("history", 0),
        claims=row.get("claims"),
        crashes=crashes,
        last_chance=0 < crashes >= term.crashes - 1,
        enqueued_at=row.get("enqueued_at") / 1e6,
        started_at=row.get("started_at") / 1e6,
        priority=row.get("priority", 0),
        deadline_at=row.moment("deadline_at"),
        key=row.text("key"),
        parent_id=row.id("parent"),
        root_id=row.id("root"),
        tags=_texts(row.get("tags")),
        pending=row.get("pending", 0),
        finishes=row.get("finishes", 0),
        early=row.get("early", 0),
        signals={mail[i].decode(): mail[i + 1] for i in range(0, len(mail), 2)},
        ending=STATES[ending] if ending is not None else None,
        reason=row.text("reason"),
        about=about(row.get("about")),
        schedule=row.text("schedule"),
        nominal_at=row.moment("nominal_at"),
        recorded=bool(row.get("has_steps", False)),
    )


def step(path: bytes, stored: list[Any]) -> Step:
    """A record of a run's history."""
    _, scope, position, seen, kind, value, error, input_hash, child, signal, signal_seq, at = stored
    return Step(
        path=path.decode(),
        scope=scope.decode(),
        position=position,
        seen=seen,
        kind=kind.decode(),
        value=value,
        error=error,
        input_hash=input_hash,
        child_id=id_of(child) if child is not None else None,
        signal=signal.decode(),
        signal_seq=signal_seq,
        recorded_at=at / 1e6,
    )


def group(reply: Sequence[Any], runs: Sequence[NewRun]) -> Accepted | Refused:
    """What a group of these runs has come to. Where no more is said than `ok`, all are new."""
    word = Answer(reply[0].decode())
    if word is Answer.OK and len(reply) == 1:
        return Accepted(runs=tuple([Entered(id=new.id, created=True) for new in runs]))
    if word is Answer.OK:
        return Accepted(
            runs=tuple([Entered(id=id_of(reply[i]), created=bool(reply[i + 1])) for i in range(1, len(reply), 2)])
        )
    _, index, ref, detail = reply
    return Refused(answer=word, index=index, run_id=id_of(ref) if ref is not None else None, detail=detail.decode())


def word(reply: bytes) -> Answer:
    return Answer(reply.decode())


def words(reply: Sequence[bytes]) -> list[Answer]:
    return [Answer(one.decode()) for one in reply]
