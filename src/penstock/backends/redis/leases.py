"""What the holders of leases do. Each operation is its script; here are only its arguments and answers."""

from asyncio import Future
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from penstock.backends.redis import decode, encode
from penstock.backends.redis.bell import RedisDoorbell
from penstock.backends.redis.calls import Calls, Made, Reply
from penstock.backends.redis.moments import microseconds
from penstock.backends.redis.scripts import script
from penstock.backends.redis.wire import Value
from penstock.core.answers import Accepted, Answer, Recorded, Spawned
from penstock.core.leases import (
    Append,
    Block,
    ClaimRequest,
    Claims,
    Complete,
    Lease,
    Outcome,
    RecordStep,
    Spawn,
    Turn,
)

MANY: Final = 200  # leases that one script extends
MOST: Final = 400  # outcomes that one script settles, if all are complete

ANSWERS: Final = {answer.value.encode(): answer for answer in Answer}


def _parts(outcomes: Sequence[Outcome]) -> Iterator[Sequence[Outcome]]:
    """In order, so many at a time that one script is through with them soon."""
    start = weight = 0
    for i, one in enumerate(outcomes):
        weight += 1 if isinstance(one, Complete) else 4
        if weight >= MOST:
            yield outcomes[start : i + 1]
            start, weight = i + 1, 0
    if start < len(outcomes):
        yield outcomes[start:]


class Leases:
    """Claim, settle and the rest."""

    _calls: Calls
    _bell: RedisDoorbell

    async def claim(self, request: ClaimRequest) -> Claims:
        return _claims(await self._calls.link.run(*self._claim(request)), request)

    @property
    def claims_wait(self) -> bool:
        """Not with a moment that tests set: it would be over when the claim is made."""
        return not self._calls.now

    async def claim_when_rung(self, request: ClaimRequest, seconds: float, hurry: Future[None]) -> Claims | None:
        reply = await self._bell.when_rung(request.queues, seconds, self._claim(request, waits=True), hurry)
        return None if reply is None else _claims(reply, request)

    async def claim_over(self, request: ClaimRequest) -> Claims:
        return _claims(await self._calls.link.run(*self._claim(request, over=True)), request)

    async def settle(self, outcomes: Sequence[Outcome]) -> list[Answer]:
        answers: list[Answer] = []
        for some in _parts(outcomes):
            call, order = self._settle(some)
            answers += await self._all(some, _in_order(await self._calls.link.run(*call), order))
        return answers

    async def _all(self, outcomes: Sequence[Outcome], answers: Sequence[Answer | None]) -> list[Answer]:
        """The answers, once those are settled, too, that one script had no time for."""
        left = [one for one, answer in zip(outcomes, answers, strict=True) if answer is None]
        rest = iter(await self.settle(left) if left else ())
        return [next(rest) if answer is None else answer for answer in answers]

    async def turn(self, outcomes: Sequence[Outcome], request: ClaimRequest) -> Turn:
        if not outcomes:
            return Turn(answers=(), claims=await self.claim(request))
        *before, last = _parts(outcomes)
        answers = [answer for some in before for answer in await self.settle(some)]
        call, order = self._settle(last)
        settled: Reply
        claimed: Reply
        settled, claimed = await self._calls.link.run_both(call, self._claim(request))
        if isinstance(claimed, Exception):
            raise claimed
        answers += await self._all(last, _in_order(settled, order))
        return Turn(answers=tuple(answers), claims=_claims(claimed, request))

    def _claim(self, request: ClaimRequest, *, waits: bool = False, over: bool = False) -> Made:
        args = {
            "claim_id": request.claim_id,
            "worker": request.worker,
            "queues": list(dict.fromkeys(request.queues)),
            "abilities": encode.abilities(request.abilities),
            "limit": request.limit,
            "lease": microseconds(request.lease),
            "waits": waits or None,
            "over": over or None,
        }
        return self._calls.made("claim", args)

    def _settle(self, outcomes: Sequence[Outcome]) -> tuple[Made, list[int]]:
        """The call, and which outcome each of its answers is about: those that are complete come first."""
        once = len({one.lease.run_id for one in outcomes}) == len(outcomes)
        done = [i for i, one in enumerate(outcomes) if once and isinstance(one, Complete)]
        others = [i for i, one in enumerate(outcomes) if not (once and isinstance(one, Complete))]
        order = done + others
        named, blobs = encode.parted(encode.outcome(outcomes[i]) for i in others)
        packed = msgspec.msgpack.encode({"outcomes": named, "order": order}) if named else b""
        ends: list[Value] = []
        for i in done:
            one = outcomes[i]
            assert isinstance(one, Complete)
            ends += (one.lease.token, one.result)
        keys = self._calls.run_keys([outcomes[i].lease.run_id for i in order])
        args = [self._calls.prefix, self._calls.now, packed, len(done), *blobs, *ends]
        return (script("settle"), [self._calls.meta, *keys, self._calls.nothing], args), order

    async def extend(self, leases: Sequence[Lease], seconds: float) -> list[Answer]:
        answers: list[Answer] = []
        for start in range(0, len(leases), MANY):
            some = leases[start : start + MANY]
            args = {"leases": [[one.run_id, one.token] for one in some], "seconds": microseconds(seconds)}
            answers += decode.words(await self._calls.call("extend", args, runs=[one.run_id for one in some]))
        return answers

    async def extend_claim(self, worker: str, claim_id: str, seconds: float) -> None:
        args = {"worker": worker, "claim_id": claim_id, "seconds": microseconds(seconds)}
        await self._calls.call("extend_claim", args)

    async def record(self, records: Sequence[RecordStep]) -> list[Recorded]:
        named, blobs = encode.parted(map(encode.record, records))
        runs = [one.lease.run_id for one in records]
        reply = await self._calls.call("record", {"records": named}, blobs, runs)
        return [_recorded(one, item) for one, item in zip(reply, records, strict=True)]

    async def spawn(self, spawns: Sequence[Spawn]) -> list[Spawned]:
        terms = encode.Terms()
        shapes = encode.Shapes(terms)
        named, blobs = encode.parted(encode.spawn(one, terms, shapes) for one in spawns)
        ids = [new.id for one in spawns for new in one.runs] + [one.lease.run_id for one in spawns]
        ids += {new.parent.parent_id for one in spawns if one.flow for new in one.runs if new.parent is not None}
        args = {"spawns": named, "terms": terms.given, "shapes": shapes.given}
        reply = await self._calls.call("spawn", args, blobs, ids)
        return [_spawned(one, item) for one, item in zip(reply, spawns, strict=True)]

    async def append(self, entries: Sequence[Append]) -> list[Answer]:
        named = [
            {"id": one.lease.run_id, "token": one.lease.token, "kind": one.kind, "number": one.number}
            for one in entries
        ]
        runs = [one.lease.run_id for one in entries]
        return decode.words(await self._calls.call("append", {"entries": named}, [one.data for one in entries], runs))

    async def block(self, block: Block) -> Answer:
        args = {
            "run_id": block.lease.run_id,
            "token": block.lease.token,
            "line": encode.line(block.name, block.key) if block.name else None,
            "seconds": microseconds(block.seconds),
        }
        return decode.word(await self._calls.call("block", args, runs=[block.lease.run_id]))


def _in_order(reply: Reply, order: list[int]) -> list[Answer | None]:
    """The answers, as the outcomes were given. None: the script had no time for this one."""
    answers: list[Answer | None] = [None] * len(order)
    for i, word in zip(order, reply, strict=True):
        if word is not None:
            answers[i] = ANSWERS[word]
    return answers


def _claims(reply: Reply, request: ClaimRequest) -> Claims:
    more, found, terms, *besides = reply
    claims = decode.claims(found, decode.terms(terms), request.claim_id, request.worker, *besides)
    return Claims(claims=claims, more=bool(more))


def _recorded(reply: Reply, item: RecordStep) -> Recorded:
    step = decode.step(item.step.path.encode(), reply[1]) if len(reply) > 1 else None
    return Recorded(answer=decode.word(reply[0]), step=step)


def _spawned(reply: Reply, item: Spawn) -> Spawned:
    if item.step is not None and decode.word(reply[0]) is Answer.DUPLICATE:
        return Spawned(answer=Answer.DUPLICATE, step=decode.step(item.step.path.encode(), reply[-1]))
    answer = decode.group(reply, item.runs)
    if isinstance(answer, Accepted):
        return Spawned(answer=Answer.OK, runs=answer.runs)
    return Spawned(answer=answer.answer, index=answer.index, detail=answer.detail)
