"""What anyone may ask for. Each operation is its script; here are only its arguments and answers."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from penstock.backends.redis import decode, encode, newcomers
from penstock.backends.redis.bell import RedisDoorbell
from penstock.backends.redis.calls import Calls, Reply
from penstock.backends.redis.moments import microseconds
from penstock.backends.redis.refs import id_of
from penstock.core.answers import Accepted, Answer, Entered, Refused
from penstock.core.requests import Edit, Group, Send, Still
from penstock.core.run import ChildOf
from penstock.core.state import State
from penstock.ports.doorbell import run_topic

MANY: Final = 100  # other runs that one script stores or touches
WATCHED: Final = 500  # runs that one script marks
AT_ONCE: Final = 500  # plain runs that one script stores, unless one group has more
MOST_RUNS: Final = 1_000
MOST_BYTES: Final = 4 * 1024 * 1024


def _is_simple(group: Group) -> bool:
    """Whether nothing can be wrong with the group, and nothing but places in queues comes of it."""
    return (
        group.flow is None
        and not group.opens
        and not group.closes
        and len(group.runs) <= MOST_RUNS
        and all(map(encode.is_plain, group.runs))
        and sum(len(new.input) + len(new.options) for new in group.runs) <= MOST_BYTES
    )


def _are_distinct(groups: Sequence[Group]) -> bool:
    """Whether no run is meant twice."""
    if len(groups) == len(groups[0].runs) == 1:
        return True
    ids = [new.id for group in groups for new in group.runs]
    return len(set(ids)) == len(ids)


def _parts(groups: Sequence[Group], most: int) -> Iterator[Sequence[Group]]:
    """The groups in order, so many at a time that one script is through with them soon."""
    part: list[Group] = []
    runs = 0
    for group in groups:
        if part and runs + len(group.runs) > most:
            yield part
            part, runs = [], 0
        part.append(group)
        runs += len(group.runs)
    if part:
        yield part


class Callers:
    """Enqueue, signal, cancel and the rest."""

    _calls: Calls
    _bell: RedisDoorbell

    async def enqueue(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        if len(groups) == 1 and len(groups[0].runs) == 1 and _is_simple(groups[0]):
            (new,) = groups[0].runs
            known: Reply = await self._calls.link.run(*newcomers.made_alone(self._calls, new))
            return [Accepted(runs=(Entered(id=new.id, created=not known),))]
        answers: list[Accepted | Refused] = []
        for simple, some in groupby(groups, _is_simple):
            together = list(some)
            for part in _parts(together, AT_ONCE if simple else MANY):
                plain = simple and _are_distinct(part)
                answers += await (self._enqueue_plain(part) if plain else self._enqueue_any(part))
        return answers

    async def _enqueue_plain(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        runs = [new for group in groups for new in group.runs]
        reply: Reply = await self._calls.link.run(*newcomers.made(self._calls, runs)) if runs else []
        known = frozenset[int](reply)
        answers: list[Accepted | Refused] = []
        i = 0
        for group in groups:
            entered = [Entered(id=new.id, created=i + k not in known) for k, new in enumerate(group.runs)]
            answers.append(Accepted(runs=tuple(entered)))
            i += len(entered)
        return answers

    async def _enqueue_any(self, groups: Sequence[Group]) -> list[Accepted | Refused]:
        runs = [new for group in groups for new in group.runs]
        terms = encode.Terms()
        shapes = encode.Shapes(terms)
        named = [encode.group(group, terms, shapes) for group in groups]
        args = {"groups": named, "terms": terms.given, "shapes": shapes.given}
        reply = await self._calls.call("enqueue_any", args, encode.blobs(runs), encode.ids(runs))
        return [decode.group(one, group.runs) for one, group in zip(reply, groups, strict=True)]

    async def signal(self, send: Send) -> tuple[Answer, str | None]:
        started = [] if send.start is None else [send.start]
        args = {
            "name": send.name,
            "run_id": send.run_id,
            "task": send.task,
            "key": send.key,
            "once": send.once,
            "start": encode.run(send.start) if send.start is not None else None,
        }
        named = [send.run_id] if send.run_id is not None else []
        reply = await self._calls.call(
            "signal", args, [send.payload, *encode.blobs(started)], [*named, *encode.ids(started)]
        )
        word, ref = reply
        return decode.word(word), id_of(ref) if ref is not None else None

    async def cancel(
        self, run_ids: Sequence[str], *, reason: str = "", cascade: bool = True, terminate: bool = False
    ) -> list[Answer]:
        args = {"reason": reason, "cascade": cascade, "terminate": terminate}
        return await self._each("cancel", run_ids, args)

    async def redrive(
        self, run_ids: Sequence[str], *, lives: Sequence[int] | None = None, inputs: Sequence[bytes] | None = None
    ) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(run_ids), MANY):
            some = list(run_ids[start : start + MANY])
            meant = None if lives is None else list(lives[start : start + MANY])
            args = {"run_ids": some, "lives": meant, "anew": True if inputs is not None else None}
            blobs = () if inputs is None else inputs[start : start + MANY]
            answers += decode.words(await self._calls.call("redrive", args, blobs, some))
        return answers

    async def remove(
        self, run_ids: Sequence[str], *, children: bool = True, still: Still | None = None
    ) -> list[Answer]:
        args: dict[str, object] = {"children": children}
        if still is not None:
            args |= {"states": encode.states(still.states), "since_at": microseconds(still.since_at)}
            args["parent_token"] = still.parent_token
        return await self._each("remove", run_ids, args)

    async def reschedule(self, run_id: str, *, at: float | None = None, delay: float | None = None) -> Answer:
        args = {"run_id": run_id, "at": microseconds(at), "delay": microseconds(delay or 0.0)}
        return decode.word(await self._calls.call("reschedule", args, runs=[run_id]))

    async def edit(self, run_id: str, edit: Edit) -> Answer:
        args = {
            "run_id": run_id,
            "priority": edit.priority,
            "input": True if edit.input is not None else None,
            "clear_log": edit.clear_log,
            "free_key": edit.free_key,
            "counted": None if edit.counted is None else encode.admission(edit.counted),
        }
        blobs = [edit.input] if edit.input is not None else []
        return decode.word(await self._calls.call("edit", args, blobs, [run_id]))

    async def fork(self, run_id: str, new_id: str, *, upto: int | None = None, version: str | None = None) -> Answer:
        args = {"run_id": run_id, "new_id": new_id, "upto": upto, "version": version}
        return decode.word(await self._calls.call("fork", args, runs=[run_id, new_id]))

    async def attach(self, run_id: str, edge: ChildOf) -> Answer:
        args = {"run_id": run_id, **encode.edge(edge)}
        return decode.word(await self._calls.call("attach", args, runs=[run_id, edge.parent_id]))

    async def detach(self, run_id: str) -> Answer:
        return decode.word(await self._calls.call("detach", {"run_id": run_id}, runs=[run_id]))

    async def watch(self, run_ids: Sequence[str], *, log: bool = False) -> list[State | None]:
        states: list[State | None] = []
        for start in range(0, len(run_ids), WATCHED):
            some = list(run_ids[start : start + WATCHED])
            made = self._calls.made("watch", {"run_ids": some, "log": log}, runs=some)
            # Behind the subscription, on the same connection: an end in between can't be missed.
            reply: list[bytes | list[bytes] | None] = await self._bell.run(*made)  # type: ignore[assignment]
            for run_id, one in zip(some, reply, strict=True):
                word, brought = one if isinstance(one, list) else (one, None)
                if brought is not None:
                    self._bell.bring(run_topic(run_id), brought)
                states.append(None if word is None else State(word.decode()))
        return states

    async def _each(self, name: str, run_ids: Sequence[str], args: Mapping[str, object]) -> list[Answer]:
        """One operation on many runs, some at a time: each is a whole move."""
        answers: list[Answer] = []
        for start in range(0, len(run_ids), MANY):
            some = list(run_ids[start : start + MANY])
            answers += decode.words(await self._calls.call(name, {"run_ids": some, **args}, runs=some))
        return answers
