"""What anyone may ask for: signal, cancel, redrive, remove, reschedule, edit, fork, attach, detach; not enqueue."""

from msgspec.structs import replace

from penstock.backends.memory import fair, groups, keys, lines, moves, repeats
from penstock.backends.memory.moves import Ending
from penstock.backends.memory.rows import Mark, Row, Tables
from penstock.core.answers import Answer, Refused
from penstock.core.leases import Step
from penstock.core.requests import Edit, Group, Send, Still
from penstock.core.run import Cause, ChildOf, Kind, NewRun
from penstock.core.state import FINISHED, State
from penstock.core.views import Signal
from penstock.core.wake import Wake
from penstock.ports.doorbell import UPKEEP, run_topic


def signal(t: Tables, send: Send) -> tuple[Answer, str | None]:
    row = find_target(t, send)
    if row is None and send.start is not None:
        entered = groups.enter(t, Group(runs=(send.start,)))
        if isinstance(entered, Refused):
            return entered.answer, entered.run_id
        row = t.rows.get(entered.runs[0].id)
        if row is None:  # what the key stands for is purged
            return Answer.FINISHED, entered.runs[0].id
    if row is None:
        return Answer.NOT_FOUND, None
    if send.once is not None and (send.name, send.once) in row.heard:
        return Answer.DUPLICATE, row.id
    if row.state.finished:
        return Answer.FINISHED, row.id
    if send.once is not None:
        row.heard.add((send.name, send.once))
    seq = sum(1 for one in row.mailbox if one.name == send.name) + 1
    row.mailbox.append(Signal(name=send.name, seq=seq, payload=send.payload, at=t.now))
    row.idle_claims = 0
    moves.wake_if_due(t, row)
    return Answer.OK, row.id


def find_target(t: Tables, send: Send) -> Row | None:
    """The run that a signal is for: by id, or by task and key."""
    if send.run_id is not None:
        return t.rows.get(send.run_id)
    if send.task is not None and send.key is not None:
        entry = t.keys.get((send.task, send.key))
        return t.rows.get(entry.run_id) if entry is not None else None
    if send.start is not None:
        known = groups.known_as(t, send.start)
        return t.rows.get(known) if known is not None else None
    return None


def cancel(t: Tables, run_id: str, *, reason: str, cascade: bool, terminate: bool) -> Answer:
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    if row.state.finished:
        return Answer.FINISHED
    if terminate:
        row.rollbacks = False
    cancel_row(t, row, Ending(state=State.CANCELLED, cause=Cause.CANCEL), reason=reason, cascade=cascade)
    return Answer.OK


def cancel_row(t: Tables, row: Row, ending: Ending, *, reason: str = "", cascade: bool = True) -> None:
    """Cancel one run, at once or by request, and mark what is below it."""
    if row.ending is None and not row.state.finished:
        row.reason = reason or row.reason
    if t.children.get(row.id):
        below = moves.ALL_CHILDREN if cascade else moves.CHILDREN_OF_BAD_END
        moves.mark_cancel(t, row, below - {Kind.DEPENDENCY} if row.new.siblings == "keep" and not cascade else below)
    if row.ending is not None and row.state is State.QUEUED and not row.rollbacks:
        moves.finish(t, row, ending)  # its rollbacks were called off
    else:
        moves.end(t, row, ending)


def redrive_meant(t: Tables, run_id: str, life: int | None, given: bytes | None) -> Answer:
    """By hand. `life`: the one that is meant; a later one is left alone."""
    row = t.rows.get(run_id)
    later = row is not None and life is not None and row.life > life
    return Answer.OK if later else redrive(t, run_id, anew=given)


def redrive(t: Tables, run_id: str, *, cascading: bool = False, anew: bytes | None = None) -> Answer:
    """Begin another life. `cascading`: asked for by a mark above, not by hand.

    `anew`: another input, in another history, which keeps the records of this one.
    """
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    if row.state not in FINISHED:
        return Answer.STATE
    parent = t.parent_of(row)
    if cascading and row.mark is not None:
        row.mark.cancel = frozenset()  # what it has not reached goes on with the new life
    if not cascading and any(going_down(one) for one in (row, parent)):
        return Answer.CASCADING
    key = keys.key_of(t, row)
    if row.new.key is not None and key is None:
        entry = keys.live_key(t, row.new)
        if entry is not None:
            return Answer.KEY_CONFLICT
        keys.take_key(t, row.new)
    elif key is not None:
        key.expires_at = None
    t.note(row, "finished", row.state.value.encode(), at=row.finished_at)
    t.note(row, "redriven")
    bring_back(t, row)
    if anew is not None:
        row.input, row.forget = anew, ()
        row.history += 1
    again(t, row)
    if parent is not None and parent.blocked_by == row.id:
        parent.blocked_by = moves.next_blocker(t, parent)
    return Answer.OK


def going_down(row: Row | None) -> bool:
    return row is not None and row.mark is not None and bool(row.mark.cancel or row.mark.remove)


def closed_to_children(row: Row) -> bool:
    """Whether a cancel or removal of the run itself goes down from it."""
    return going_down(row) and row.mark is not None and (row.mark.upto is None or row.mark.remove)


def bring_back(t: Tables, row: Row) -> None:
    """A dependency that had counted is pending again, for a parent that is not finished."""
    parent = t.parent_of(row)
    if parent is None or parent.state.finished or row.kind is not Kind.DEPENDENCY:
        return
    if row.counted:
        row.counted = False
        parent.pending += 1
        if parent.place is not None or parent.state is State.SCHEDULED:
            groups.wait_again(t, parent)


def again(t: Tables, row: Row) -> None:
    """Fresh counters and a new rank; with dependencies pending it waits until these were redriven, too."""
    row.life += 1
    row.claims = row.idle_claims = row.failures = row.crashes = row.releases = 0
    row.result = row.error = row.cause = row.cause_id = row.reason = row.finished_at = row.settled = None
    row.purge_again_at = 0.0
    row.started_at = row.expires_at = row.deadline_at = None
    row.by_parent = row.dead = False
    row.rank, row.woken, row.refused = None, False, ()
    row.rollbacks = any(step.kind == "rollback" for step in row.steps.values())
    for path in row.forget:
        forget(t, row, path)
    row.forget = ()
    if row.new.deadline is not None:
        row.deadline_at = t.now + row.new.deadline
    if row.pending:
        moves.set_state(t, row, State.WAITING)
        row.own_delay = None
        row.wake = Wake(idle=True)
        row.mark = row.mark or Mark()
        row.mark.redrive = True
        t.rings.add(UPKEEP)
    else:
        moves.expire_from(t, row, t.now)
        moves.queue_up(t, row)


def forget(t: Tables, row: Row, path: str) -> None:
    """Drop a recorded error; the child behind it, if it has ended, starts again."""
    step = row.steps.pop(path, None)
    if step is not None and step.child_id is not None:
        redrive(t, step.child_id, cascading=True)


def remove(t: Tables, run_id: str, *, children: bool, still: Still | None) -> Answer:
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    if still is not None and (moved := has_moved(t, row, still)) is not None:
        return moved
    if row.mark is not None and (not children or row.mark.remove or row.mark.redrive or row.mark.close):
        return Answer.CASCADING
    if not children:
        return remove_alone(t, row)
    tree = moves.below(t, row)
    if any(one.state is State.RUNNING for one in tree):
        return Answer.RUNNING
    if any(one.mark is not None and Kind.STARTED in one.mark.cancel for one in tree):
        return Answer.CASCADING  # it reaches further than the tree
    if len(tree) <= groups.SMALL_TREE:
        for one in tree:  # from the top: what is removed tells nobody that is removed, too
            delete(t, one)
        return Answer.OK
    if any(not one.state.finished for one in tree):
        return Answer.BIG
    row.mark = Mark(remove=True)
    t.rings.add(UPKEEP)
    return Answer.OK


def has_moved(t: Tables, row: Row, still: Still) -> Answer | None:
    """What to say if the run does not stand as it was seen."""
    if (still.states and row.state not in still.states) or (
        still.since_at is not None and row.since_at > still.since_at
    ):
        return Answer.STATE
    parent = t.parent_of(row)
    held = parent is not None and parent.state is State.RUNNING and parent.token == still.parent_token
    return Answer.LOST if still.parent_token is not None and not held else None


def remove_alone(t: Tables, row: Row) -> Answer:
    """The runs below go on as trees of their own."""
    if row.state is State.RUNNING:
        return Answer.RUNNING
    if row.open:
        return Answer.STATE
    if len(moves.below(t, row)) > groups.SMALL_TREE:
        return Answer.BIG
    orphans = [child for child in t.children_of(row) if child.kind is not Kind.STARTED]
    delete(t, row)
    for orphan in orphans:
        moves.reroot(t, orphan, None, 0)
    return Answer.OK


def delete(t: Tables, row: Row, *, keep_key: bool = False) -> None:
    """Leave no trace of the run (retention keeps what its key stands for); its parent no longer waits for it."""
    lines.leave(t, row)
    for key in lines.give_back(t, row, end=True):
        lines.offer(t, key)
    row.mark = None
    following = keys.let_expire(t, row) if keep_key else keys.forget(t, row)
    parent = t.parent_of(row)
    if parent is not None:
        if row.kind is Kind.DEPENDENCY:
            moves.count(t, parent, row)
        elif row.kind is Kind.CALL and not row.state.finished and not parent.state.finished:
            parent.finishes += 1
        moves.cut(t, row)
    del t.rows[row.id]
    if parent is not None:
        moves.wake_if_due(t, parent)
    for child in t.children.pop(row.id, {}):
        orphan = t.rows.get(child)
        if orphan is not None:
            orphan.parent_id = orphan.root_id = None
            orphan.counted = False
    if row.watched:
        t.rings.add(run_topic(row.id))
    if following is not None:
        moves.let_go(t, following)


def reschedule(t: Tables, run_id: str, due_at: float) -> Answer:
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    if row.state not in (State.SCHEDULED, State.QUEUED) or row.ending is not None:
        return Answer.FINISHED if row.state.finished else Answer.STATE
    if due_at > t.now:
        lines.leave(t, row)
        moves.expire_from(t, row, due_at)
        moves.schedule(t, row, due_at)
    elif row.state is State.SCHEDULED:
        moves.expire_from(t, row, due_at)
        moves.queue_up(t, row, fresh=True)
    return Answer.OK


def edit(t: Tables, run_id: str, wanted: Edit) -> Answer:
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    if wanted.priority is not None or wanted.input is not None:
        if row.state.finished:
            return Answer.FINISHED
        if row.state is State.RUNNING or (wanted.input is not None and row.claims):
            return Answer.STATE
    if wanted.free_key and keys.key_of(t, row) is None:
        return Answer.STATE
    if wanted.free_key and (following := keys.forget(t, row)) is not None:
        moves.let_go(t, following)
    if wanted.input is not None:
        repeats.put_input(t, row, wanted.input, wanted.counted)
    if wanted.priority is not None and wanted.priority != row.priority:
        reprioritise(t, row, wanted.priority)
    if wanted.clear_log:
        row.log.clear()
    return Answer.OK


def reprioritise(t: Tables, row: Row, priority: int) -> None:
    """The run stands as one of this priority, wherever it stands."""
    place, line = row.place, row.line
    fair.step_out(t, row)
    row.priority = priority
    if place is not None:
        lines.stand_again(t, row, place, line)


def fork(t: Tables, run_id: str, new_id: str, *, upto: int | None, version: str | None) -> Answer:
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    if new_id in t.rows:
        return Answer.DUPLICATE
    new = NewRun(
        id=new_id,
        task=row.new.task,
        queue=row.new.queue,
        version=row.new.version if version is None else version,
        input=row.input,
        options=row.new.options,
        priority=row.priority,
        crashes=row.new.crashes,
        siblings=row.new.siblings,
        limits=row.new.limits,
        tags=row.new.tags,
        keep=row.new.keep,
        dead_letter=row.new.dead_letter,
        lifo=row.new.lifo,
        fair=row.new.fair,
        weight=row.new.weight,
        on_success=row.new.on_success,
        on_failure=row.new.on_failure,
    )
    groups.enter(t, Group(runs=(new,)))
    copy = t.rows[new_id]
    kept = list(row.steps.values())[:upto]
    copy.steps = {step.path: step for step in kept}
    copy.rollbacks = any(step.kind == "rollback" for step in kept)
    copy.mailbox = unread(row, kept)
    return Answer.OK


def unread(row: Row, steps: list[Step]) -> list[Signal]:
    """The messages that none of these steps has read, numbered anew."""
    read = {(step.signal, step.signal_seq) for step in steps if step.signal}
    seen: dict[str, int] = {}
    left: list[Signal] = []
    for one in row.mailbox:
        if (one.name, one.seq) not in read:
            seen[one.name] = seen.get(one.name, 0) + 1
            left.append(replace(one, seq=seen[one.name]))
    return left


def attach(t: Tables, run_id: str, edge: ChildOf) -> Answer:
    row, parent = t.rows.get(run_id), t.rows.get(edge.parent_id)
    if row is None or parent is None:
        return Answer.NOT_FOUND
    if edge.kind is not Kind.DEPENDENCY:
        return Answer.INVALID
    if row.new.key is not None:
        return Answer.INVALID
    problem = groups.check_parent(parent) or groups.check_adoption(t, row, edge)
    if problem is not None:
        return problem[0]
    groups.adopt(t, row, edge)
    return Answer.OK


def detach(t: Tables, run_id: str) -> Answer:
    row = t.rows.get(run_id)
    if row is None:
        return Answer.NOT_FOUND
    parent = t.parent_of(row)
    if parent is None or row.kind is not Kind.DEPENDENCY or row.open:
        return Answer.STATE
    if len(moves.below(t, row)) > groups.SMALL_TREE:
        return Answer.BIG
    moves.count(t, parent, row)
    moves.cut(t, row)
    moves.reroot(t, row, None, 0)
    return Answer.OK


def watch(t: Tables, run_id: str, *, log: bool) -> State | None:
    row = t.rows.get(run_id)
    if row is None:
        return None
    row.watched = True
    row.followed |= log
    return row.state
