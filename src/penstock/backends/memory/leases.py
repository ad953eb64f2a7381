"""What the holders of leases do: settle outcomes, keep leases alive, record steps, spawn children. (claim: claims.)"""

from msgspec.structs import replace

from penstock.backends.memory import callers, groups, keys, lines, moves
from penstock.backends.memory.moves import Ending
from penstock.backends.memory.rows import Row, Tables
from penstock.core.answers import Answer, Recorded, Refused, Spawned
from penstock.core.leases import (
    Append,
    Block,
    Complete,
    Fail,
    Lease,
    Outcome,
    RecordStep,
    Release,
    Restart,
    Retry,
    Spawn,
    Suspend,
)
from penstock.core.requests import Group
from penstock.core.run import Cause, Kind
from penstock.core.state import State
from penstock.ports.doorbell import UPKEEP


def held(t: Tables, lease: Lease) -> Row | None:
    """The run, if this lease is the current one."""
    row = t.rows.get(lease.run_id)
    return row if row is not None and row.state is State.RUNNING and row.token == lease.token else None


def settle(t: Tables, outcome: Outcome) -> Answer:
    """Turn an outcome into its move."""
    kind = type(outcome).__name__
    row = held(t, outcome.lease)
    if row is None:
        known = t.rows.get(outcome.lease.run_id)
        done = known is not None and known.settled == (outcome.lease.token, kind)
        return Answer.OK if done else Answer.LOST
    row.settled = (outcome.lease.token, kind)
    note(t, row, outcome)
    freed = lines.give_back(t, row)
    if row.ending is not None:
        settle_ending(t, row, outcome)
    else:
        move(t, row, outcome)
    for key in freed:
        lines.offer(t, key)
    return Answer.OK


def move(t: Tables, row: Row, outcome: Outcome) -> None:
    """The move of an outcome, for a run that nobody has asked to end."""
    match outcome:
        case Complete():
            complete(t, row, outcome.result)
        case Retry():
            retry(t, row, outcome)
        case Fail():
            row.forget = outcome.forget
            moves.finish(t, row, Ending(state=State.FAILED, cause=outcome.cause, error=outcome.error))
        case Release():
            release(t, row, outcome.refused)
        case Suspend():
            suspend(t, row, outcome)
        case Restart():
            restart(t, row, outcome.input)


def note(t: Tables, row: Row, outcome: Outcome) -> None:
    """Count the attempt as what it was, and log what is not told by the row."""
    match outcome:
        case Retry(error=bytes() as error) | Fail(error=error):
            t.note(row, "attempt", error, started_at=row.started_at)
            row.failures += 1
        case Release(unstarted=True):
            row.claims -= 1
            row.idle_claims -= 1
            keys.stand_again(t, row)
        case Retry() | Release():
            t.note(row, "release", started_at=row.started_at)
            row.releases += 1
        case _:
            pass


def settle_ending(t: Tables, row: Row, outcome: Outcome) -> None:
    """The run was asked to end: it does, unless it comes back for its rollbacks."""
    assert row.ending is not None
    if row.rollbacks and not (row.told and isinstance(outcome, Complete | Fail)):
        if isinstance(outcome, Release) and outcome.refused is not None:
            refuse(row, outcome.refused)
        if isinstance(outcome, Fail) and row.ending is State.FAILED:
            row.ending_cause, row.ending_error, row.ending_id = outcome.cause, outcome.error, None
        moves.queue_up(t, row)
    elif row.ending is State.FAILED and isinstance(outcome, Fail):
        moves.finish(t, row, Ending(state=State.FAILED, cause=outcome.cause, error=outcome.error))
    else:
        moves.finish(t, row, requested(row))


def requested(row: Row) -> Ending:
    """How the run was asked to end."""
    assert row.ending is not None
    return Ending(
        state=row.ending,
        cause=row.ending_cause,
        error=row.ending_error,
        cause_id=row.ending_id,
        by_parent=row.by_parent,
    )


def complete(t: Tables, row: Row, result: bytes) -> None:
    if not row.pending:
        moves.finish(t, row, Ending(state=State.SUCCEEDED, result=result))
        return
    moves.set_state(t, row, State.WAITING)
    row.token = row.worker = row.lease_expires_at = None
    row.result, row.returned = result, True
    moves.mark_calls(t, row)


def retry(t: Tables, row: Row, outcome: Retry) -> None:
    if outcome.delay > 0 or outcome.error is not None:
        row.idle_claims = 0
    for path in outcome.forget:
        callers.forget(t, row, path)
    if outcome.delay > 0:
        moves.schedule(t, row, t.now + outcome.delay)
        row.rank, row.woken = None, False
    else:
        moves.queue_up(t, row, fresh=True)


def release(t: Tables, row: Row, refused: str | None) -> None:
    if refused is not None:
        refuse(row, refused)
    moves.queue_up(t, row)


def refuse(row: Row, fingerprint: str) -> None:
    row.refused = tuple(sorted({*row.refused, fingerprint}))


def suspend(t: Tables, row: Row, outcome: Suspend) -> None:
    moves.set_state(t, row, State.WAITING)
    row.token = row.worker = row.lease_expires_at = None
    row.wake = groups.resolve(outcome.wake, t.now)
    if row.wake.at is not None:
        t.due(row.wake.at)
    moves.wake_if_due(t, row)


def restart(t: Tables, row: Row, new_input: bytes) -> None:
    row.history += 1
    row.mailbox = callers.unread(row, list(row.steps.values()))
    row.steps.clear()
    row.input, row.failures, row.rollbacks, row.idle_claims, row.woken = new_input, 0, False, 0, True
    row.refused = ()  # the new history has nothing that could fail to fit
    moves.mark_calls(t, row)
    moves.queue_up(t, row)


def rescue(t: Tables, row: Row) -> None:
    """The lease was lost: count the crash, and end the run or queue it again."""
    t.note(row, "crash", started_at=row.started_at)
    row.crashes += 1
    row.settled = None
    freed = lines.give_back(t, row)
    go_on_after_crash(t, row)
    for key in freed:
        lines.offer(t, key)


def go_on_after_crash(t: Tables, row: Row) -> None:
    over = row.crashes >= row.new.crashes
    if row.ending is not None:
        if over or not row.rollbacks:
            moves.finish(t, row, requested(row))
        else:
            moves.queue_up(t, row)
        return
    if over and row.rollbacks:
        moves.request(t, row, Ending(state=State.FAILED, cause=Cause.CRASHED))
    elif over:
        moves.finish(t, row, Ending(state=State.FAILED, cause=Cause.CRASHED))
        return
    moves.queue_up(t, row)


def extend(t: Tables, lease: Lease, seconds: float) -> Answer:
    row = held(t, lease)
    if row is None:
        return Answer.LOST
    if row.ending is None:
        row.lease_expires_at = t.now + seconds
        return Answer.OK
    # Who was asked to end has one more lease to do so. Who was claimed for the rollbacks has all the time they take.
    if row.told or row.ending_at is None or t.now < row.ending_at + seconds:
        row.lease_expires_at = t.now + seconds
    return Answer.STOP


def extend_claim(t: Tables, worker: str, claim_id: str, seconds: float) -> None:
    for row in t.rows.values():
        if row.worker == worker and row.token == claim_id:
            extend(t, Lease(run_id=row.id, token=claim_id), seconds)


def record(t: Tables, item: RecordStep) -> Recorded:
    row = held(t, item.lease)
    if row is None:
        return Recorded(answer=Answer.LOST)
    known = row.steps.get(item.step.path)
    if known is not None:
        return Recorded(answer=Answer.DUPLICATE, step=known)
    if item.silent and sum(1 for one in row.mailbox if one.name == item.silent) > item.arrived:
        return Recorded(answer=Answer.STATE)
    row.steps[item.step.path] = replace(item.step, recorded_at=t.now)
    row.idle_claims = 0
    row.rollbacks = row.rollbacks or item.step.kind == "rollback"
    if item.step.kind == "step":
        t.note(row, "step", item.step.path.encode())
    return Recorded(answer=Answer.OK)


def spawn(t: Tables, item: Spawn) -> Spawned:
    row = held(t, item.lease)
    if row is None:
        return Spawned(answer=Answer.LOST)
    known = row.steps.get(item.step.path) if item.step is not None else None
    if known is not None:
        return Spawned(answer=Answer.DUPLICATE, step=known)
    if row.ending is not None or callers.closed_to_children(row):
        return Spawned(answer=Answer.CASCADING)
    ours = {row.id} | {new.id for new in item.runs}
    for index, new in enumerate(item.runs):
        if new.parent is None or (new.parent.parent_id not in ours and not in_flow(t, item, new.parent.parent_id)):
            return Spawned(answer=Answer.INVALID, index=index, detail="a spawned run is a child of its spawner")
    group = Group(runs=item.runs, flow=item.flow, opens=item.opens, closes=item.closes)
    entered = groups.enter(t, group, holder=row)
    if isinstance(entered, Refused):
        return Spawned(answer=entered.answer, index=entered.index, detail=entered.detail)
    for one in entered.runs:
        call = t.rows[one.id]
        if not one.created and call.kind is Kind.CALL and call.by_parent and call.state.finished:
            callers.redrive(t, call.id, cascading=True)  # an earlier life of this run took it along
    if item.step is not None:
        record(t, RecordStep(lease=item.lease, step=item.step))
    return Spawned(answer=Answer.OK, runs=entered.runs)


def in_flow(t: Tables, item: Spawn, run_id: str) -> bool:
    """Whether the run came with an earlier group of the spawner's flow."""
    flow = t.rows.get(item.flow) if item.flow is not None else None
    if flow is None or flow.parent_id != item.lease.run_id:
        return False
    row = t.rows.get(run_id)
    while row is not None and row is not flow:
        row = t.parent_of(row)
    return row is flow


def append(t: Tables, item: Append) -> Answer:
    row = held(t, item.lease)
    if row is None:
        return Answer.LOST
    token, last = row.lines
    if item.number:
        if token == item.lease.token and item.number <= last:
            return Answer.OK
        row.lines = (item.lease.token, item.number)
    t.note(row, item.kind, item.data)
    return Answer.OK


def block(t: Tables, item: Block) -> Answer:
    row = held(t, item.lease)
    if row is None:
        return Answer.LOST
    if item.name and item.name not in t.limits:
        return Answer.NOT_FOUND
    used = [(ref.name, ref.key) for ref in row.new.limits if ref.name in t.limits]
    rates = [
        key for key in used if t.limits[key[0]].period is not None and (not item.name or key == (item.name, item.key))
    ]
    for key in rates:
        t.lines[key].blocked_until = max(t.lines[key].blocked_until or 0.0, t.now + item.seconds)
    t.rings.add(UPKEEP)
    return Answer.OK if rates else Answer.INVALID
