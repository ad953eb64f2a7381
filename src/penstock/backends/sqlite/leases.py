"""What the holders of leases do. Each operation is its script; here are only its arguments and answers."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from penstock.backends.sqlite import decode, encode
from penstock.backends.sqlite.callers import entered, fault_of, put_groups
from penstock.backends.sqlite.moments import microseconds
from penstock.backends.sqlite.procedures import sources
from penstock.backends.sqlite.session import Row, Session
from penstock.backends.sqlite.writer import Writer
from penstock.core.answers import Accepted, Answer, Recorded, Refused, Spawned
from penstock.core.errors import Unavailable
from penstock.core.leases import (
    Ability,
    Append,
    Block,
    ClaimRequest,
    Claims,
    Complete,
    Fail,
    Lease,
    Outcome,
    RecordStep,
    Spawn,
    Step,
    Turn,
)
from penstock.core.requests import Group
from penstock.ports.doorbell import log_topic, run_topic


class Abilities:
    """Which abilities the writer's connection knows, by number."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._known: set[int] = set()

    def number(self, session: Session, abilities: frozenset[Ability]) -> int:
        """The number of these, made known if need be."""
        if session.connection is not self._connection:
            self._connection, self._known = session.connection, set()
        number = hash(abilities)
        if number not in self._known:
            rows: list[Row] = [(number, one.task, one.version, one.fingerprint) for one in abilities]
            session.execute("delete from penstock_ability where abilities = ?", (number,))
            session.insert("penstock_ability", ("abilities", "task", "version", "fingerprint"), rows)
            session.after.append(partial(self._known.add, number))
        return number


def claim(session: Session, request: ClaimRequest, abilities: Abilities) -> Claims:
    """Claim, or find what the same request has claimed before."""
    number = abilities.number(session, request.abilities)
    queues = encode.text(request.queues)
    lease = microseconds(request.lease)
    session.call("claim", request.claim_id, request.worker, number, queues, request.limit, lease)
    names = {"worker": request.worker, "claim_id": request.claim_id}
    found = session.connection.execute(session.sql(sources()["_claimed"].text), names).fetchone()
    claims = decode.claims(found, request.claim_id)
    session.rung.update([log_topic(one.run_id) for one in claims])
    return Claims(claims=claims, more=bool(found[2]))


def settle(session: Session, outcomes: Sequence[Outcome]) -> list[Answer]:
    """Turn outcomes into moves, in order; neighbours of one kind go together."""
    words = ["ok"] * len(outcomes)
    rows: list[Row] = []
    kind: type[Outcome] | None = None
    for i, outcome in enumerate(outcomes):
        if type(outcome) is not kind and kind is not None:
            session.each(encode.OPERATIONS[kind], rows)
            rows = []
        kind = type(outcome)
        rows.append(encode.outcome(i, outcome, session.now))
    if kind is not None:
        session.each(encode.OPERATIONS[kind], rows)
    for problem in session.problems():
        words[problem.i] = problem.word
    for outcome in outcomes:  # the straight way rings nobody
        topic = run_topic if isinstance(outcome, Complete | Fail) else log_topic
        session.rung.add(topic(outcome.lease.run_id))
    return [Answer(word) for word in words]


def record(session: Session, records: Sequence[RecordStep]) -> list[Recorded]:
    """Write steps, or find those that stand where they should."""
    session.each("record", [encode.step(i, item) for i, item in enumerate(records)])
    known = {
        row[0]: decode.step(row[1:])
        for row in session.connection.execute(session.sql(sources()["_known_steps"].text)).fetchall()
    }
    words = session.words(len(records))
    return [Recorded(answer=Answer(word), step=known.get(i)) for i, word in enumerate(words)]


def spawn(session: Session, spawns: Sequence[Spawn], terms: set[int]) -> list[Spawned]:
    """Insert children, each spawn whole or not at all, and with its step."""
    paths = [(item.lease.run_id, item.step.path) for item in spawns if item.step is not None]
    if len(set(paths)) < len(paths):  # whether the path is taken is known when the one before is through
        return [answer for item in spawns for answer in spawn(session, [item], terms)]
    known = [_known_step(session, item) for item in spawns]
    rest = iter(_entered(session, [item for item, step in zip(spawns, known, strict=True) if step is None], terms))
    answers = [next(rest) if step is None else Spawned(answer=Answer.DUPLICATE, step=step) for step in known]
    steps = [
        RecordStep(lease=item.lease, step=item.step)
        for item, answer in zip(spawns, answers, strict=True)
        if item.step is not None and answer.answer is Answer.OK
    ]
    if steps:
        record(session, steps)
    return answers


def _known_step(session: Session, item: Spawn) -> Step | None:
    """The step that stands where this one's would, under its lease."""
    if item.step is None:
        return None
    names = {"run_id": item.lease.run_id, "token": item.lease.token, "path": item.step.path}
    row = session.connection.execute(session.sql(sources()["_step_taken"].text), names).fetchone()
    return None if row is None else decode.step(row)


def _entered(session: Session, spawns: Sequence[Spawn], terms: set[int]) -> list[Spawned]:
    if not spawns:
        return []
    encode.put_terms(session, [new for item in spawns for new in item.runs], terms)
    groups = [(g, _group(item), item.lease.run_id, item.lease.token, _fault(item)) for g, item in enumerate(spawns)]
    put_groups(session, groups)
    session.call("spawn")
    return [_spawned(answer) for answer in entered(session, [item.runs for item in spawns])]


def _group(item: Spawn) -> Group:
    return Group(runs=item.runs, flow=item.flow, opens=item.opens, closes=item.closes)


def _fault(item: Spawn) -> Refused | None:
    ours = {item.lease.run_id, *[new.id for new in item.runs]}
    for index, new in enumerate(item.runs):  # of an open flow the rest is looked at where it is stored
        if new.parent is None or (new.parent.parent_id not in ours and item.flow is None):
            return Refused(answer=Answer.INVALID, index=index, detail="a spawned run is a child of its spawner")
    return fault_of(_group(item))


def _spawned(answer: Accepted | Refused) -> Spawned:
    if isinstance(answer, Refused):
        return Spawned(answer=answer.answer, index=answer.index, detail=answer.detail)
    return Spawned(answer=Answer.OK, runs=answer.runs)


class Leases:
    """Claim, settle and the rest."""

    _writer: Writer
    _terms: set[int]
    _abilities: Abilities

    async def claim(self, request: ClaimRequest) -> Claims:
        return await self._writer.do(lambda session: claim(session, request, self._abilities))

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Answer]:
        return await self._writer.do(lambda session: settle(session, outcomes))

    async def turn(self, outcomes: Sequence[Outcome], request: ClaimRequest) -> Turn:
        def job(session: Session) -> Turn:
            answers = settle(session, outcomes)
            return Turn(answers=tuple(answers), claims=claim(session, request, self._abilities))

        try:
            return await self._writer.do(job)
        except Unavailable:
            raise
        except Exception:
            if not outcomes:
                raise
            # A claim that fails never undoes a settle: what can be settled is, before the claim fails again.
            answers = await self.settle(outcomes)
            return Turn(answers=tuple(answers), claims=await self.claim(request))

    async def extend(self, leases: Sequence[Lease], seconds: float) -> list[Answer]:
        lease = microseconds(seconds)
        rows: list[Row] = [(i, one.run_id, one.token, lease) for i, one in enumerate(leases)]

        def job(session: Session) -> list[Answer]:
            session.each("extend", rows)
            return [Answer(word) for word in session.words(len(rows))]

        return await self._writer.do(job)

    async def extend_claim(self, worker: str, claim_id: str, seconds: float) -> None:
        lease = microseconds(seconds)
        await self._writer.do(lambda session: session.call("extend_claim", worker, claim_id, lease))

    async def record(self, records: Sequence[RecordStep]) -> list[Recorded]:
        return await self._writer.do(lambda session: record(session, records))

    async def spawn(self, spawns: Sequence[Spawn]) -> list[Spawned]:
        return await self._writer.do(lambda session: spawn(session, spawns, self._terms))

    async def append(self, entries: Sequence[Append]) -> list[Answer]:
        rows: list[Row] = [
            (i, one.lease.run_id, one.lease.token, one.kind, one.data, one.number) for i, one in enumerate(entries)
        ]

        def job(session: Session) -> list[Answer]:
            session.each("append", rows)
            return [Answer(word) for word in session.words(len(rows))]

        return await self._writer.do(job)

    async def block(self, block: Block) -> Answer:
        def job(session: Session) -> Answer:
            until = session.now + microseconds(block.seconds)
            session.each("block", [(0, block.lease.run_id, block.lease.token, block.name, block.key, until)])
            return Answer(session.words(1)[0])

        return await self._writer.do(job)
