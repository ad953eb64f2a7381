"""What anyone may ask for. Each operation is its script; here are only its arguments and answers."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import msgspec

from penstock.backends.sqlite import encode
from penstock.backends.sqlite.bell import FileDoorbell
from penstock.backends.sqlite.moments import microseconds
from penstock.backends.sqlite.procedures import in_namespace, sources
from penstock.backends.sqlite.reader import Reader
from penstock.backends.sqlite.session import Row, Session
from penstock.backends.sqlite.writer import Writer
from penstock.core.answers import Accepted, Answer, Entered, Refused
from penstock.core.requests import Edit, Group, Send, Still
from penstock.core.run import ChildOf, NewRun
from penstock.core.state import State
from penstock.ports.doorbell import UPKEEP, queue_topic

MOST_RUNS: Final = 1_000
MOST_BYTES: Final = 4 * 1024 * 1024

_GROUP: Final = ("g", "flow", "opens", "closes", "holder", "token", "fault", "fault_i", "detail")
_LATEST: Final = "select serial from penstock_tick"


class Refusal(msgspec.Struct, array_like=True):
    """Why a group is not stored."""

    g: int
    i: int
    answer: str
    run_id: str | None
    detail: str | None


class Known(msgspec.Struct, array_like=True):
    """One run of a group that was there already."""

    g: int
    i: int
    id: str


_REFUSALS: Final = msgspec.json.Decoder(list[Refusal])
_KNOWN: Final = msgspec.json.Decoder(list[Known])
_IDS: Final = msgspec.json.Decoder(list[str])


def enter(session: Session, groups: Sequence[Group], terms: set[int]) -> list[Accepted | Refused]:
    """Store the groups, each whole or not at all. `terms`: those known to be stored."""
    encode.put_terms(session, [new for group in groups for new in group.runs], terms)
    answers: list[Accepted | Refused] = []
    for simple, some in groupby(groups, _is_simple):
        together = list(some)
        answers += _enter_plain(session, together) if simple else _enter_any(session, together)
    return answers


def _is_simple(group: Group) -> bool:
    return (
        group.flow is None
        and not group.opens
        and not group.closes
        and (len(group.runs) == 1 or fault_of(group) is None)
        and all(map(encode.is_plain, group.runs))
    )


def ready_queues(groups: Sequence[Group]) -> set[str]:
    """The topics of the queues in which these groups probably make something ready."""
    return {
        queue_topic(new.queue)
        for group in groups
        for new in group.runs
        if new.wake is None and not encode.is_timed(new)
    }


def _enter_plain(session: Session, groups: list[Group]) -> list[Accepted | Refused]:
    runs = [new for group in groups for new in group.runs]
    before = session.execute(_LATEST).fetchone()[0]
    stored = _insert_plain(session, runs, before + 1)
    session.execute("update penstock_tick set serial = serial + ?", (len(runs),))
    session.rung |= {queue_topic(queue) for queue in {new.queue for new in runs}}
    if stored == len(runs):
        return [Accepted(runs=tuple([Entered(id=new.id, created=True) for new in group.runs])) for group in groups]
    found = session.execute(
        "select json_group_array(r.id) from penstock_run r where r.n > ? and r.n <= ?", (before, before + len(runs))
    )
    fresh = set(_IDS.decode(found.fetchone()[0]))
    return [Accepted(runs=tuple([_entered(new, fresh) for new in group.runs])) for group in groups]


def _entered(new: NewRun, fresh: set[str]) -> Entered:
    """Not created, unless it is the first of its id among the fresh ones."""
    created = new.id in fresh
    fresh.discard(new.id)
    return Entered(id=new.id, created=created)


def _insert_plain(session: Session, runs: Sequence[NewRun], first: int) -> int:
    """How many of the runs are new."""
    before = session.connection.total_changes
    if any(map(encode.is_timed, runs)):
        session.rung.add(UPKEEP)
        session.rows("_timed", [encode.timed(n, new, session.now) for n, new in enumerate(runs, first)])
    else:
        session.rows("_plain", [encode.plain(n, new) for n, new in enumerate(runs, first)])
    return session.connection.total_changes - before


def _enter_any(session: Session, groups: list[Group]) -> list[Accepted | Refused]:
    put_groups(session, [(g, group, None, None, fault_of(group)) for g, group in enumerate(groups)])
    session.call("enqueue")
    return entered(session, [group.runs for group in groups])


def fault_of(group: Group) -> Refused | None:
    """What is wrong with the group, whatever is stored."""
    size = sum([len(new.input) + len(new.options) for new in group.runs])
    if len(group.runs) > MOST_RUNS or size > MOST_BYTES:
        return Refused(answer=Answer.BIG, detail=f"a group has at most {MOST_RUNS} runs and {MOST_BYTES} bytes")
    if group.flow is None and (group.opens or group.closes):
        return Refused(answer=Answer.INVALID, detail="opens and closes need the flow's root")
    if group.opens and (not group.runs or group.runs[0].id != group.flow):
        return Refused(answer=Answer.INVALID, detail="the first run of a flow's first group is its root")
    return None


def put_groups(session: Session, groups: Sequence[tuple[int, Group, str | None, str | None, Refused | None]]) -> None:
    """Lay groups out for a script: number, group, holder and token of a spawn, and what is wrong with it."""
    session.forget("group", "incoming", "refused")
    rows: list[Row] = []
    for g, group, holder, token, fault in groups:
        wrong = (None, None, None) if fault is None else (fault.answer.value, fault.index, fault.detail)
        rows.append((g, group.flow, int(group.opens), int(group.closes), holder, token, *wrong))
    session.insert("penstock_group", _GROUP, rows)
    session.insert(
        "penstock_incoming",
        encode.INCOMING,
        [
            encode.incoming(g, i, new)
            for g, group, _, _, fault in groups
            if fault is None
            for i, new in enumerate(group.runs)
        ],
    )


def entered(session: Session, groups: Sequence[Sequence[NewRun]]) -> list[Accepted | Refused]:
    """What became of the groups that were laid out."""
    refused = session.execute(
        "select json_group_array(json_array(f.g, f.i, f.answer, f.run_id, f.detail)) from penstock_refused f"
    ).fetchone()[0]
    known = session.execute(
        "select json_group_array(json_array(o.g, o.i, o.known_id)) from penstock_incoming o "
        "where o.known_id is not null"
    ).fetchone()[0]
    refusals = {one.g: one for one in _REFUSALS.decode(refused)}
    there = {(one.g, one.i): one.id for one in _KNOWN.decode(known)}
    answers: list[Accepted | Refused] = []
    for g, runs in enumerate(groups):
        no = refusals.get(g)
        if no is not None:
            answer = Answer(no.answer)
            answers.append(Refused(answer=answer, index=no.i, run_id=no.run_id, detail=no.detail or ""))
            continue
        answers.append(
            Accepted(
                runs=tuple(
                    [Entered(id=there.get((g, i), new.id), created=(g, i) not in there) for i, new in enumerate(runs)]
                )
            )
        )
    return answers


class Callers:
    """Enqueue, signal, cancel and the rest."""

    _writer: Writer
    _bell: FileDoorbell
    _namespace: str
    _reader: Reader
    _terms: set[int]

    async def enqueue(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        soon = ready_queues(groups) if self._bell.heard else ()
        return await self._writer.do(lambda session: enter(session, groups, self._terms), soon=soon)

    async def signal(self, send: Send) -> tuple[Answer, str | None]:
        def job(session: Session) -> tuple[Answer, str | None]:
            started = [] if send.start is None else [Group(runs=(send.start,))]
            encode.put_terms(session, [new for group in started for new in group.runs], self._terms)
            put_groups(session, [(g, group, None, None, fault_of(group)) for g, group in enumerate(started)])
            key = send.key if send.task is not None else None
            session.call("signal", send.name, send.payload, send.run_id, send.task, key, send.once)
            found = session.problems()[0]
            return Answer(found.word), found.path

        return await self._writer.do(job)

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str = "", cascade: bool = True, terminate: bool = False
    ) -> list[Answer]:
        how = (reason, int(cascade), int(terminate))
        return await self._each("cancel", [(i, run_id, *how) for i, run_id in enumerate(run_ids)])

    async def redrive(
        self, run_ids: Sequence[str], *, lives: Sequence[int] | None = None, inputs: Sequence[bytes] | None = None
    ) -> list[Answer]:
        meant: Sequence[int | None] = lives if lives is not None else [None] * len(run_ids)
        given: Sequence[bytes | None] = inputs if inputs is not None else [None] * len(run_ids)
        return await self._each("redrive", [(i, *one) for i, one in enumerate(zip(run_ids, meant, given, strict=True))])

    async def remove(
        self, run_ids: Sequence[str], *, children: bool = True, still: Still | None = None
    ) -> list[Answer]:
        wanted = still or Still()
        states = encode.text(sorted(wanted.states)) if wanted.states else None
        how = (int(children), states, microseconds(wanted.since_at), wanted.parent_token)
        return await self._each("remove", [(i, run_id, *how) for i, run_id in enumerate(run_ids)])

    async def reschedule(self, run_id: str, *, at: float | None = None, delay: float | None = None) -> Answer:
        def job(session: Session) -> Answer:
            due = microseconds(at) if at is not None else session.now + microseconds(delay or 0.0)
            session.call("reschedule", run_id, due)
            return Answer(session.words(1)[0])

        return await self._writer.do(job)

    async def edit(self, run_id: str, edit: Edit) -> Answer:
        counted = encode.counted(edit.counted) if edit.counted is not None and edit.input is not None else None
        flags = int(edit.clear_log), int(edit.free_key), int(counted is not None)
        return await self._one("edit", run_id, edit.priority, edit.input, *flags, *(counted or (None, None, None)))

    async def fork(self, run_id: str, new_id: str, *, upto: int | None = None, version: str | None = None) -> Answer:
        return await self._one("fork", run_id, new_id, upto, version)

    async def attach(self, run_id: str, edge: ChildOf) -> Answer:
        def job(session: Session) -> Answer:
            put_groups(session, [])
            values = (edge.parent_id, edge.kind.value, edge.if_fails.value, edge.name, int(edge.cascade))
            session.call("attach", run_id, *values)
            return Answer(session.words(1)[0])

        return await self._writer.do(job)

    async def detach(self, run_id: str) -> Answer:
        return await self._one("detach", run_id)

    async def watch(self, run_ids: Sequence[str], *, log: bool = False) -> list[State | None]:
        del log  # a file rings whoever listens, watched or not
        sql = in_namespace(sources()["watch"].text, self._namespace)
        found = await self._reader.do(
            lambda connection: connection.execute(sql, {"run_ids": encode.text(run_ids)}).fetchall()
        )
        states = {run_id: State(state) for run_id, state in found}
        return [states.get(run_id) for run_id in run_ids]

    async def _each(self, operation: str, rows: list[Row]) -> list[Answer]:
        """One operation on many items."""

        def job(session: Session) -> list[Answer]:
            session.each(operation, rows)
            return [Answer(word) for word in session.words(len(rows))]

        return await self._writer.do(job)

    async def _one(self, operation: str, *values: str | float | bytes | None) -> Answer:
        """One operation on one item."""

        def job(session: Session) -> Answer:
            session.call(operation, *values)
            return Answer(session.words(1)[0])

        return await self._writer.do(job)
