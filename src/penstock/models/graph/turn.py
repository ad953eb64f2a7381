"""One attempt at a graph run: take in what has happened since the last one, carry out what follows, wait for more.

What the plan is told is recorded before anything is done about it, and all that is done has an id by its place in the
graph. So a turn that is cut off anywhere and begun again does nothing twice.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

import msgspec
from msgspec.structs import replace

from penstock.core.answers import Answer, Recorded, Spawned
from penstock.core.error_record import ErrorRecord, describe
from penstock.core.errors import Invalid, PenstockError
from penstock.core.leases import Complete, Fail, Outcome, Step, Suspend
from penstock.core.run import ChildOf, Kind, NewRun, Run
from penstock.core.views import Signal
from penstock.core.wake import Wake
from penstock.engine.batcher import BYTES, ITEMS
from penstock.engine.handler import Attempt
from penstock.models.graph import news
from penstock.models.graph.events import Cancel, Failed, Finished, Signalled, StartGraph, Succeed, TimedOut, Woke
from penstock.models.graph.events import Fail as GraphFailed
from penstock.models.graph.hands import Hands
from penstock.models.graph.session import Session, Started
from penstock.models.graph.stored import KIND, TASK, Entry, Noted, child_id, encoded, path_of

Group: TypeAlias = list[tuple[Started, NewRun]]

EVENTS: Final = 500  # in one record
SIZE: Final = 262_144  # bytes of one record, unless one event is larger
PORTION: Final = 0.1  # seconds in which about so many runs end as are worth a wake, if nothing can follow sooner
FEW: Final = 4  # turns that are worth a moment at which the plan looks
LATE: Final = 0.25  # seconds after which the plan looks, if they end more slowly, or one of them ended badly
CALLED_OFF: Final = "its graph needs it no more"


class Stale(Exception):  # noqa: N818 (says what the session is)
    """Somebody else has planned on from here: what this session remembers is old."""


class Turn:
    """One attempt. If it raises, its session is not to be used again."""

    def __init__(self, attempt: Attempt, session: Session, hands: Hands, began: float) -> None:
        claim = attempt.claim
        self._attempt = attempt
        self._session = session
        self._hands = hands
        self._now = claim.started_at + (hands.clock() - began)
        self._ended_before = session.ended
        self._told: list[Noted] = []  # and not recorded yet
        self._begins = False  # the first entry is to be recorded, whatever it tells
        self._mailbox: list[Signal] | None = None
        self._again: list[str] = []  # keys to be started once more
        self._look = claim.life > 1  # at all that is open: what ended between two lives was not counted

    async def go(self) -> Outcome:
        """Plan until nothing is left to be told or done; what comes of it."""
        session = self._session
        while session.fresh and not session.over:  # what an earlier attempt has not come to belongs to its turn
            await self._carry_out()
            await self._write()
        session.begin(session.turn + 1)
        if session.entries == 0:
            self._begins = True
            session.start(self._now)
        while True:
            while session.end is None and (
                await self._ends() or await self._signals() or await self._moments() or await self._webhooks()
            ):
                pass
            if session.end is not None or not await self._carry_out():
                await self._write()
                return self._outcome()

    # -- what has happened

    async def _ends(self) -> bool:
        """Runs of nodes that have ended."""
        session = self._session
        wanted = max(0, self._attempt.claim.finishes - session.ended - session.astray)
        if not wanted and not self._look:
            return False
        most = wanted
        if self._look:
            self._look = False
            most = len(session.open) + len(session.blocked)
        found = await news.ended(session, self._get, self._hands.codec, most)
        before = session.ended
        for one in found:
            if isinstance(one, str):
                self._again.append(one)
            elif session.end is None:
                await self._tell(one)
        if session.end is None:
            session.astray += max(0, wanted - (session.ended - before))
        return any(isinstance(one, Noted) for one in found)

    async def _get(self, run_ids: Sequence[str]) -> list[Run | None]:
        return await self._attempt.host.ask(lambda views: views.get(run_ids))

    async def _tell(self, noted: Noted) -> None:
        """Tell the plan. What makes the graph fail stands in a record of its own, which a redrive drops."""
        session = self._session
        session.tell(noted, self._now)
        if isinstance(session.end, GraphFailed) and noted.life:
            await self._write()
            culprit = child_id(session.run_id, session.history, noted.event.key)
            number = session.entries
            await self._store(replace(self._step((noted,)), child_id=culprit))
            session.failed_by = number
        else:
            self._told.append(noted)

    async def _signals(self) -> bool:
        """Messages that a wait is for."""
        session = self._session
        for key, waiting in list(session.waits.items()):
            message = await self._unread(waiting.signal)
            if message is not None:
                data = msgspec.json.decode(self._hands.codec.decode(message.payload))
                noted = Noted(event=Signalled(key=key, data=data, action=_action(data)))
                await self._write()
                await self._store(replace(self._step((noted,)), signal=message.name, signal_seq=message.seq))
                session.tell(noted, self._now)
                return True
        return False

    async def _unread(self, name: str) -> Signal | None:
        """The first message of this name that no wait has read."""
        read = self._session.read.get(name, 0)
        if self._mailbox is None:
            if self._attempt.claim.signals.get(name, 0) <= read:
                return None
            await self._open_mailbox()
        return next((one for one in self._mailbox or () if one.name == name and one.seq > read), None)

    async def _open_mailbox(self) -> None:
        run_id = self._attempt.claim.run_id
        found = await self._attempt.host.ask(lambda views: views.signals(run_id))
        self._mailbox = sorted(found, key=lambda one: one.seq)

    async def _moments(self) -> bool:
        """Sleeps that are over, and waits for which no message has come in time."""
        session = self._session
        over = [key for key, until in session.sleeps.items() if until <= self._now]
        for key in over:
            if session.end is None:
                await self._tell(Noted(event=Woke(key=key)))
        late = [(key, one) for key, one in session.waits.items() if one.due is not None and one.due <= self._now]
        for key, waiting in late:
            if session.end is None and key in session.waits:
                await self._write()
                noted = Noted(event=TimedOut(key=key))
                read = session.read.get(waiting.signal, 0)
                if await self._store(self._step((noted,)), silent=waiting.signal, arrived=read) is None:
                    await self._open_mailbox()  # one has come just now, and beats the time-out
                else:
                    session.tell(noted, self._now)
        return bool(over or late)

    async def _webhooks(self) -> bool:
        """URLs to be made."""
        asked = list(self._session.hooks.items())
        for key, hook in asked:
            if self._session.end is None:
                try:
                    url = await self._hands.webhook(self._attempt.claim, hook)
                except PenstockError as error:
                    await self._tell(Noted(event=Failed(key=key, error=describe(error), fatal=True)))
                else:
                    await self._tell(Noted(event=Finished(key=key, output={"url": url, "signal": hook.signal})))
        return bool(asked)

    # -- what is kept

    def _step(self, events: tuple[Noted, ...], started: int = 0) -> Step:
        number = self._session.entries
        entry = Entry(at=self._now, turn=self._session.turn, events=events, started=started)
        value = self._hands.codec.encode(encoded(entry))
        return Step(path=path_of(number), position=number, kind=KIND, value=value)

    async def _store(self, step: Step, *, silent: str = "", arrived: int = 0) -> Step | None:
        """Write the next entry; None if there has been more than silence."""
        recorded = await self._attempt.record(step, silent=silent, arrived=arrived)
        if recorded.answer is Answer.STATE:
            return None
        self._check(recorded, step)
        return step

    def _check(self, answered: Recorded | Spawned, step: Step) -> None:
        """It is the next entry, now or since an earlier try. Raises `Stale` if another one is."""
        if answered.answer is Answer.DUPLICATE and (answered.step is None or answered.step.value != step.value):
            raise Stale
        if answered.answer not in {Answer.OK, Answer.DUPLICATE}:
            raise PenstockError(f"entry {step.path} can't be recorded: {answered.answer}")
        self._session.entries += 1
        self._begins = False

    async def _write(self) -> None:
        """Record what the plan was told."""
        told, self._told = self._told, []
        for events in _portions(told) or ([()] if self._begins else []):
            await self._store(self._step(events))

    # -- what is done

    async def _carry_out(self) -> bool:
        """Start and cancel what was decided. Whether something was refused, of which the plan has been told."""
        session = self._session
        made: dict[str, NewRun] = {}
        refused: dict[str, PenstockError] = {}
        while left := session.to_start():
            part, no = await self._group(left, made)
            no = no or await self._start(part)
            for key, why in no.items():
                if not session.over and key in session.open:
                    await self._tell(Noted(event=Failed(key=key, error=describe(why), fatal=True)))
            refused |= no
        if not session.over:
            await self._revive()
            await self._call_off()
        return bool(refused)

    async def _group(self, left: Sequence[Started], made: dict[str, NewRun]) -> tuple[Group, dict[str, PenstockError]]:
        """As many of the first as go together, and which of these can't be made. `made`: those that were before."""
        part: Group = []
        refused: dict[str, PenstockError] = {}
        room = BYTES
        for one in left[:ITEMS]:
            try:
                new = made.get(one.key) or await self._made(one)
            except PenstockError as error:
                refused[one.key] = error
                continue
            made[one.key] = new
            room -= len(new.input) + len(new.options)
            if part and room < 0:
                break
            part.append((one, new))
        return part, refused

    async def _start(self, part: Group) -> dict[str, PenstockError]:
        """Start these, or none and say why. In the same move it is recorded, with what has led to it.

        So whoever finds the record knows that these were started: one that is gone since was removed.
        """
        *before, told = _portions(self._told) or [()]
        for events in before:
            await self._store(self._step(events))
        self._told = list(told)
        step = self._step(told, started=len(part))
        answer = await self._attempt.spawn([new for _, new in part], step=step)
        match answer.answer:
            case Answer.CASCADING:  # the graph run is to end: what it waits for does not matter
                self._session.fresh.clear()
            case Answer.OK | Answer.DUPLICATE:
                self._check(answer, step)
                self._told = []
                self._session.carried_out([one for one, _ in part])
            case _:
                one, new = part[answer.index]
                said = f"{answer.detail or answer.answer} (task {new.task})"
                return {one.key: Invalid("node", one.key, said)}
        return {}

    async def _revive(self) -> None:
        """Start once more what an earlier life of the graph run had taken along."""
        again, self._again = self._again, []
        for start in range(0, len(again), ITEMS):
            keys = again[start : start + ITEMS]
            runs = [NewRun(id=self._session.open[key], task=TASK, parent=self._edge(key)) for key in keys]
            answer = await self._attempt.spawn(runs)
            if answer.answer not in {Answer.OK, Answer.CASCADING}:
                raise PenstockError(f"what was cancelled can't be started once more: {answer.detail or answer.answer}")

    async def _call_off(self) -> None:
        session = self._session
        keys = [key for one in session.fresh if isinstance(one, Cancel) for key in one.keys]
        if keys:
            await self._write()
            ids = [child_id(session.run_id, session.history, key) for key in keys]
            await self._hands.cancel(ids, CALLED_OFF)
        session.fresh.clear()

    async def _made(self, one: Started) -> NewRun:
        session, claim = self._session, self._attempt.claim
        if isinstance(one, StartGraph):
            new = await self._hands.graph(claim, one, session.baggage)
        else:
            node = session.planner.scheme.stops[one.node].node
            new = await self._hands.node(claim, one, node, session.planner.state.context)
        return replace(new, id=session.open[one.key], parent=self._edge(one.key))

    def _edge(self, key: str) -> ChildOf:
        return ChildOf(parent_id=self._session.run_id, kind=Kind.CALL, name=key)

    def _outcome(self) -> Outcome:
        session, lease = self._session, self._attempt.lease
        match session.end:
            case Succeed(result=result):
                return Complete(lease=lease, result=self._hands.codec.encode(encoded(result)))
            case GraphFailed() as failed:
                forget = () if session.failed_by is None else (path_of(session.failed_by),)
                return Fail(lease=lease, error=_named(failed).encode(), forget=forget)
            case _:
                return Suspend(lease=lease, wake=self._wake())

    def _ends_so_far(self) -> int:
        """How many runs have ended, as far as we know: some perhaps since the claim."""
        claim, session = self._attempt.claim, self._session
        if claim.life > 1:  # what ended between two lives was not counted
            return claim.finishes
        return max(claim.finishes, session.ended + session.astray)

    def _portion(self) -> int:
        """How many further ends are worth a wake: as many as end in a moment, if with fewer nothing can follow."""
        session, now = self._session, self._hands.clock()
        since, session.planned_at = session.planned_at, now
        ended = session.ended - self._ended_before
        if not since or now <= since or not ended or session.blocked:
            return 1
        most = session.portions.least(session.planner.state, len(session.open))
        portion = min(most, int(ended / (now - since) * PORTION))
        return portion if portion >= FEW else 1

    def _wake(self) -> Wake:
        session, claim = self._session, self._attempt.claim
        depends = bool(session.open or session.blocked)
        portion = self._portion()
        moments = [session.due, self._now + LATE if portion > 1 else None]
        arrived = {one.signal: claim.signals.get(one.signal, 0) for one in session.waits.values()}
        for message in self._mailbox or ():
            if message.name in arrived:
                arrived[message.name] = max(arrived[message.name], message.seq)
        return Wake(
            at=min((at for at in moments if at is not None), default=None),
            finishes=self._ends_so_far() + portion if depends else None,
            signals={name: count + 1 for name, count in arrived.items()},
        )


def _action(data: Any) -> str | None:
    """The action of a signal: a text under `action` in what was sent."""
    said = cast("dict[str, Any]", data).get("action") if isinstance(data, dict) else None
    return said if isinstance(said, str) else None


def _portions(told: list[Noted]) -> list[tuple[Noted, ...]]:
    """What goes into one record each."""
    portions: list[tuple[Noted, ...]] = []
    portion: list[Noted] = []
    size = 0
    for noted in told:
        more = len(encoded(noted))
        if portion and (size + more > SIZE or len(portion) == EVENTS):
            portions.append(tuple(portion))
            portion, size = [], 0
        portion.append(noted)
        size += more
    return [*portions, tuple(portion)] if portion else portions


def _named(failed: GraphFailed) -> ErrorRecord:
    """The error, with the node's id."""
    error = failed.error
    if error.type == "penstock.ExpressionFailed" or error.message.startswith(f"node {failed.node} "):
        return error  # it says so itself
    message = f"node {failed.node}: {error.message}" if error.message else f"node {failed.node}"
    return ErrorRecord(type=error.type, message=message, traceback=error.traceback, causes=error.causes)
