"""Claiming: look at a bounded number of queued runs in order; take them, or move what stops them out of the way."""

import heapq
from collections.abc import Iterator

from penstock.backends.memory import keys, leases, lines, moves
from penstock.backends.memory.moves import Ending
from penstock.backends.memory.rows import READY, SIDE, Row, Tables
from penstock.core.leases import Ability, Claim, ClaimRequest, Claims, Lease
from penstock.core.run import Cause
from penstock.core.state import State

LOOK_BEYOND = 100
MOST_IDLE_CLAIMS = 1_000


def claim(t: Tables, request: ClaimRequest) -> Claims:
    known = t.last_claims.get(request.worker)
    if known is not None and known[0] == request.claim_id:
        rows = [t.rows[run_id] for run_id in known[1] if run_id in t.rows]
        held = [row for row in rows if row.state is State.RUNNING and row.token == request.claim_id]
        return Claims(claims=tuple(claim_of(row) for row in held))
    taken: list[Row] = []
    more = False
    left = request.limit + LOOK_BEYOND
    for queue in request.queues:
        if ("queue", queue) in t.paused or len(taken) >= request.limit:
            continue
        for row in candidates(t, queue, request):
            if len(taken) >= request.limit:
                break
            if left == 0:
                more = True
                break
            left -= 1
            if look_at(t, row, request):
                taken.append(row)
    t.last_claims[request.worker] = (request.claim_id, tuple(row.id for row in taken))
    return Claims(claims=tuple(claim_of(row) for row in taken), more=more)


def candidates(t: Tables, queue: str, request: ClaimRequest) -> Iterator[Row]:
    """The runs that stand ready, and those in side lines that this worker can serve, in one order."""
    places = [(READY, queue)] + [
        place for place in t.places if place[:2] == (SIDE, queue) and serves(t, place, request.abilities)
    ]
    most = request.limit + LOOK_BEYOND + 1
    puts = -1
    merged: Iterator[tuple[int, bool, int, str]] = iter(())
    while True:
        if puts != t.places.puts:  # what was looked at let others in: the merge is made anew
            merged = heapq.merge(*(t.places.orders(place)[:most] for place in places))
            puts = t.places.puts
        order = next(merged, None)
        if order is None:
            return
        row = t.rows.get(order[3])
        if row is not None and row.place in places and row.order == order:
            yield row


def serves(t: Tables, side: tuple[str, ...], abilities: frozenset[Ability]) -> bool:
    """Whether a worker with these abilities can run what stands in this side line."""
    _, _, task, version, refused = side
    if ("task", task) in t.paused:
        return False
    return any(fits(one, task, version, tuple(filter(None, refused.split("\n")))) for one in abilities)


def fits(ability: Ability, task: str, version: str, refused: tuple[str, ...]) -> bool:
    return ability.task == task and version in ("", ability.version) and ability.fingerprint not in refused


def side_of(row: Row) -> tuple[str, ...]:
    """The side line of the run: it stands there until somebody can run it."""
    return (SIDE, row.new.queue, row.new.task, row.new.version, "\n".join(row.refused))


def look_at(t: Tables, row: Row, request: ClaimRequest) -> bool:
    """Take the run for this worker, or end it, or move it to what stops it."""
    if over(t, row):
        return False
    able = any(fits(one, row.new.task, row.new.version, row.refused) for one in request.abilities)
    if not able or ("task", row.new.task) in t.paused:
        lines.leave(t, row)
        t.places.put(side_of(row), row)
        return False
    full = lines.take(t, row) if row.ending is None else None
    if full is not None:
        lines.leave(t, row)
        if not lines.park(t, row, full):
            moves.finish(t, row, Ending(state=State.CANCELLED, cause=Cause.LIMIT))
        else:
            moves.replace_holder(t, row)
        return False
    lines.leave(t, row)
    hold(t, row, request)
    return True


def over(t: Tables, row: Row) -> bool:
    """Whether the run must not start any more; then it ends here."""
    if row.idle_claims >= MOST_IDLE_CLAIMS:
        loop = Ending(state=State.FAILED, cause=Cause.LOOP)
        if row.ending is not None:
            moves.finish(t, row, leases.requested(row))
        else:
            moves.end(t, row, loop)
        return True
    if row.ending is not None:
        return False
    if moves.doomed_by_mark(t.parent_of(row), row):
        moves.end(t, row, Ending(state=State.CANCELLED, cause=Cause.PARENT, by_parent=True))
    elif row.expires_at is not None and row.expires_at <= t.now and row.claims == 0:
        moves.finish(t, row, Ending(state=State.FAILED, cause=Cause.EXPIRED))
    elif row.deadline_at is not None and row.deadline_at <= t.now:
        moves.end(t, row, Ending(state=State.FAILED, cause=Cause.DEADLINE))
    else:
        return False
    return True


def hold(t: Tables, row: Row, request: ClaimRequest) -> None:
    """The run is this worker's."""
    if row.claims == 0 and row.new.key is not None and row.new.key.until == "started":
        following = keys.let_expire(t, row)
        if following is not None:
            moves.let_go(t, following)
    moves.set_state(t, row, State.RUNNING)
    row.token, row.worker = request.claim_id, request.worker
    row.lease_expires_at = t.now + request.lease
    row.started_at = t.now
    if row.life == 1:
        row.first_claimed_at = row.first_claimed_at if row.first_claimed_at is not None else t.now
    elif row.claims == 0:
        t.note(row, "claimed")  # numbers below those of its earlier lives have been read
    t.tell(row)
    row.told = row.ending is not None
    row.claims += 1
    row.idle_claims += 1
    row.fence = max(row.fence + 1, int(t.now * 1_000_000))


def claim_of(row: Row) -> Claim:
    """The claimed row as its holder sees it."""
    new = row.new
    assert row.token is not None
    assert row.started_at is not None
    arrived: dict[str, int] = {}
    for one in row.mailbox:
        arrived[one.name] = arrived.get(one.name, 0) + 1
    return Claim(
        lease=Lease(run_id=row.id, token=row.token),
        fence=row.fence,
        run_id=row.id,
        task=new.task,
        queue=new.queue,
        version=new.version,
        input=row.input,
        options=new.options,
        attempt=row.failures + 1,
        life=row.life,
        history=row.history,
        claims=row.claims,
        crashes=row.crashes,
        last_chance=0 < row.crashes >= new.crashes - 1,
        enqueued_at=row.enqueued_at,
        started_at=row.started_at,
        priority=row.priority,
        deadline_at=row.deadline_at,
        key=new.key.key if new.key else None,
        parent_id=row.parent_id,
        root_id=row.root_id,
        tags=new.tags,
        pending=row.pending,
        finishes=row.finishes,
        early=row.early,
        signals=arrived,
        ending=row.ending,
        reason=row.reason,
        about=row.about,
        schedule=new.schedule,
        nominal_at=new.nominal_at,
        recorded=bool(row.steps),
    )
