"""The moves that operations share: becoming ready, ending, counting with the parent, waking.

Each is called inside one operation, under the store's lock. It knows nothing of who asked.
"""

from msgspec.structs import replace

from penstock.backends.memory import keys, lines
from penstock.backends.memory.rows import Mark, Row, Tables
from penstock.core.limits import LimitDef
from penstock.core.policy import POLICY, Effect, IfFails, Parent
from penstock.core.record import Record
from penstock.core.run import About, Cause, FollowUp, Kind, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.doorbell import UPKEEP, queue_topic, run_topic, worker_topic

CHILDREN_OF_BAD_END = frozenset({Kind.CALL, Kind.DEPENDENCY})
ALL_CHILDREN = frozenset(Kind)


class Ending(Record, frozen=True, kw_only=True):
    """How a life ends."""

    state: State
    cause: Cause | None = None
    error: bytes | None = None
    result: bytes | None = None
    cause_id: str | None = None
    by_parent: bool = False  # never counts with the parent


def set_state(t: Tables, row: Row, state: State) -> None:
    row.state = state
    row.since_at = t.now


def queue_up(t: Tables, row: Row, *, fresh: bool = False) -> None:
    """The run is ready: out, in the line of a limit, or dropped by it. `fresh`: with a new rank, not woken."""
    if fresh:
        row.rank, row.woken = None, False
    if row.rank is None:
        row.rank = -next(t.ranks) if row.new.lifo else next(t.ranks)
    set_state(t, row, State.QUEUED)
    row.due_at = row.wake = row.token = row.worker = row.lease_expires_at = None
    row.returned = False
    place(t, row)


def place(t: Tables, row: Row) -> None:
    """Find a queued run its place; a limit may drop it, or ask its holder to go."""
    if row.ending is not None:  # only rollbacks are left: no limit holds these up
        lines.to_ready(t, row)
    elif not lines.join(t, row):
        finish(t, row, Ending(state=State.CANCELLED, cause=Cause.LIMIT))
    else:
        replace_holder(t, row)


def replace_holder(t: Tables, row: Row) -> None:
    """A run parked at a limit that replaces asks the oldest holder to end."""
    definition: LimitDef | None = t.limits.get(row.line[0]) if row.line else None
    if row.line is None or definition is None or definition.full != "replace" or row.place != ("limit", *row.line):
        return
    if row.claims or lines.paused(t, row.line):
        return  # it comes back, and has no right over those that came after it; or it would not start in its place
    holder = lines.oldest_holder(t, row.line)
    if holder is not None and holder.ending is None:
        end(t, holder, Ending(state=State.CANCELLED, cause=Cause.LIMIT))


def schedule(t: Tables, row: Row, due_at: float) -> None:
    set_state(t, row, State.SCHEDULED)
    row.due_at, row.wake, row.token, row.worker, row.lease_expires_at = due_at, None, None, None, None
    t.due(due_at)


def end(t: Tables, row: Row, ending: Ending) -> None:
    """End a run whoever holds it: by request if it is running or has rollbacks to run first, else at once."""
    if row.state is State.RUNNING:
        request(t, row, ending)
        if row.worker is not None:
            t.rings.add(worker_topic(row.worker))
    elif row.ending is not None:
        pass  # queued for its rollbacks: on its way already
    elif row.rollbacks:
        request(t, row, ending)
        lines.leave(t, row)
        queue_up(t, row)
    else:
        finish(t, row, ending)


def request(t: Tables, row: Row, ending: Ending) -> None:
    """Ask the run to end so. The first request stands."""
    if row.ending is None:
        row.ending, row.ending_cause, row.ending_error = ending.state, ending.cause, ending.error
        row.ending_id, row.by_parent, row.ending_at = ending.cause_id, ending.by_parent, t.now
        row.crashes = 0 if row.rollbacks else row.crashes  # the rollbacks have lives of their own to lose


def finish(t: Tables, row: Row, ending: Ending) -> None:
    """The one way to end a life."""
    lines.leave(t, row)
    for freed in lines.give_back(t, row, end=True):
        lines.offer(t, freed)
    set_state(t, row, ending.state)
    row.finished_at, row.finish_no = t.now, next(t.serial)
    row.cause, row.cause_id, row.error, row.result = ending.cause, ending.cause_id, ending.error, ending.result
    row.due_at = row.wake = row.token = row.worker = row.lease_expires_at = row.blocked_by = row.own_delay = None
    row.ending = row.ending_cause = row.ending_error = row.ending_id = row.ending_at = None
    was_open = row.open
    row.told = row.returned = row.open = row.rollbacks = False
    row.by_parent = ending.by_parent
    following = keys.let_expire(t, row)
    row.dead = ending.state is State.FAILED and row.new.dead_letter is not None
    follow_up(t, row)
    if t.children.get(row.id):
        bad = ending.state is not State.SUCCEEDED
        kept = row.new.siblings == "keep" and not was_open
        mark_cancel(t, row, CHILDREN_OF_BAD_END if bad and not kept else frozenset({Kind.CALL}))
    if row.watched:
        t.rings.add(run_topic(row.id))
    if following is not None:
        let_go(t, following)
    if was_open and row.opened_at is not None and ending.state is State.CANCELLED and not ending.by_parent:
        let_be(row)
    tell_parent(t, row)


def let_be(row: Row) -> None:
    """The root of a flow that was never stored whole: for its parent there has been no such child."""
    if row.kind is Kind.DEPENDENCY and row.new.parent is not None:
        row.new = replace(row.new, parent=replace(row.new.parent, if_fails=IfFails.REMOVE))


def mark_cancel(t: Tables, row: Row, kinds: frozenset[Kind]) -> None:
    """Upkeep will cancel the run's children of these kinds; the run itself is over, or asked to end."""
    row.mark = row.mark or Mark()
    row.mark.cancel |= kinds
    row.mark.upto = None
    row.mark.close = row.mark.redrive = False  # what is cancelled is not let in any more, nor brought back
    t.rings.add(UPKEEP)


def mark_calls(t: Tables, row: Row) -> None:
    """Upkeep will cancel the calls that the run has made so far. It lives on, and may make others."""
    if not t.children.get(row.id) or (row.mark is not None and row.mark.cancel and row.mark.upto is None):
        return
    row.mark = row.mark or Mark()
    row.mark.cancel = frozenset({Kind.CALL})
    row.mark.upto = next(t.serial)
    t.rings.add(UPKEEP)


def doomed_by_mark(parent: Row | None, child: Row) -> bool:
    """Whether a cancel or removal that goes down from the parent is about this child."""
    mark = parent.mark if parent is not None else None
    if mark is None:
        return False
    asked = child.new.parent
    spared = asked is not None and asked.kind is Kind.STARTED and not asked.cascade
    return mark.remove or (child.kind in mark.cancel and not spared and (mark.upto is None or child.no <= mark.upto))


def follow_up(t: Tables, row: Row) -> None:
    """Insert the run that learns about this outcome, if one was asked for."""
    named: FollowUp | None = {State.SUCCEEDED: row.new.on_success, State.FAILED: row.new.on_failure}.get(row.state)
    if named is None:
        return
    which = "on_success" if row.state is State.SUCCEEDED else "on_failure"
    new = NewRun(
        id=f"{row.id}~{row.life}~{which}",
        task=named.task,
        queue=named.queue,
        version=named.version,
        input=row.input,
        keep=row.new.keep,
    )
    if new.id in t.rows:
        return
    follower = insert(t, new)
    follower.about = About(
        run_id=row.id,
        life=row.life,
        task=row.new.task,
        state=row.state,
        attempts=row.failures + (row.state is State.SUCCEEDED),
        cause=row.cause,
        cause_id=row.cause_id,
        error=row.error,
        result=row.result,
    )
    queue_up(t, follower)


def insert(t: Tables, new: NewRun) -> Row:
    """A row as asked for, in no place yet."""
    now = t.now
    row = Row(new, next(t.serial), State.QUEUED, now, now, new.input, new.priority)
    if new.deadline is not None:
        row.deadline_at = now + new.deadline
    if new.parent is not None:
        row.parent_id = new.parent.parent_id
        t.children[row.parent_id][row.id] = None
        parent = t.rows[row.parent_id]
        if new.parent.kind is not Kind.STARTED:
            row.root_id, row.depth = parent.root_id or parent.id, parent.depth + 1
        if new.parent.kind is Kind.DEPENDENCY:
            parent.pending += 1
    t.rows[row.id] = row
    if row.deadline_at is not None:
        t.due(row.deadline_at)
    return row


def expire_from(t: Tables, row: Row, due_at: float) -> None:
    """The time in which a run must start begins when it is due."""
    if row.new.expires is not None and row.claims == 0:
        row.expires_at = max(due_at, t.now) + row.new.expires
        t.due(row.expires_at)


def tell_parent(t: Tables, child: Row) -> None:
    """Count a child that has just ended with its parent, by the table of policies."""
    parent = t.parent_of(child)
    if parent is None or child.kind in (None, Kind.STARTED) or child.new.parent is None:
        return
    if not parent.state.finished:
        parent.finishes += 1
        parent.idle_claims = 0
    if child.kind is Kind.DEPENDENCY and not child.counted:
        if child.state is State.SUCCEEDED:
            count(t, parent, child)
            return
        if not child.by_parent:
            apply_policy(t, parent, child, child.new.parent.if_fails)
            return
    wake_if_due(t, parent)


def standing(row: Row) -> Parent:
    """How a parent stands, in the words of the table."""
    if row.state.finished:
        return Parent.FINISHED
    if row.state is State.RUNNING:
        return Parent.RUNNING
    if row.state is State.WAITING:
        return Parent.RETURNED if row.returned else Parent.WAITING
    return Parent.UNSTARTED


def apply_policy(t: Tables, parent: Row, child: Row, policy: IfFails) -> None:
    """What the bad end of a dependency does."""
    match POLICY[policy][standing(parent)]:
        case Effect.FAIL | Effect.DOOM:
            end(t, parent, Ending(state=State.FAILED, cause=Cause.CHILD, cause_id=child.id, error=child.error))
        case Effect.BLOCK:
            parent.blocked_by = parent.blocked_by or child.id
            wake_if_due(t, parent)
        case Effect.START:
            parent.early += 1
            parent.wake = replace(parent.wake or Wake(idle=True), early=parent.early)
            count(t, parent, child)
            wake_if_due(t, parent)
        case Effect.EARLY:
            parent.early += 1
            count(t, parent, child)
        case Effect.COUNT:
            count(t, parent, child)
        case Effect.NOTHING:
            pass


def count(t: Tables, parent: Row, child: Row) -> None:
    """The parent no longer waits for this dependency. Nothing else changes about a finished parent."""
    if child.counted:
        return
    child.counted = True
    parent.pending -= 1
    if parent.state.finished:
        return
    if parent.blocked_by == child.id:
        parent.blocked_by = next_blocker(t, parent)
    wake_if_due(t, parent)


def next_blocker(t: Tables, parent: Row) -> str | None:
    """Another dependency that ended badly under `block` and still does not count."""
    for child in t.children_of(parent):
        blocks = child.kind is Kind.DEPENDENCY and child.new.parent and child.new.parent.if_fails is IfFails.BLOCK
        if blocks and not child.counted and child.state in (State.FAILED, State.CANCELLED) and not child.by_parent:
            return child.id
    return None


def cut(t: Tables, child: Row) -> None:
    """Forget the edge from child to parent."""
    if child.parent_id is not None:
        parent = t.parent_of(child)
        if parent is not None and child.kind is Kind.DEPENDENCY and not child.counted:
            parent.pending -= 1  # of a finished parent: a living one has counted it
        t.children[child.parent_id].pop(child.id, None)
        child.parent_id = child.root_id = None
        child.counted = False
        child.depth = 0


def below(t: Tables, row: Row) -> list[Row]:
    """The run and all its dependencies and calls, parents first."""
    tree = [row]
    for one in tree:
        tree += [child for child in t.children_of(one) if child.kind is not Kind.STARTED]
    return tree


def reroot(t: Tables, row: Row, root_id: str | None, depth: int) -> None:
    """The run and all below it belong to another tree, or begin one."""
    row.root_id, row.depth = root_id, depth
    for child in t.children_of(row):
        if child.kind is not Kind.STARTED:
            reroot(t, child, root_id or row.id, depth + 1)


def fulfilled(t: Tables, row: Row) -> bool:
    """Whether what a waiting run waits for has happened."""
    if row.open or (row.mark is not None and row.mark.redrive):
        return False
    if row.returned:
        return row.pending == 0
    wake = row.wake
    if wake is None:
        return True
    if (wake.at is not None and wake.at <= t.now) or (wake.idle and row.pending == 0):
        return True
    if wake.finishes is not None and row.finishes >= wake.finishes:
        return True
    if wake.early is not None and row.early >= wake.early:
        return True
    if any(sum(1 for one in row.mailbox if one.name == name) >= n for name, n in wake.signals.items()):
        return True
    return any(_calls_done(t, row, ids, n) for ids, n in wake.of)


def _calls_done(t: Tables, row: Row, ids: tuple[str, ...], n: int) -> bool:
    finished = 0
    for run_id in ids:
        child = t.rows.get(run_id)
        if child is None or child.parent_id != row.id or child.state in (State.FAILED, State.CANCELLED):
            return True
        finished += child.state is State.SUCCEEDED
    return finished >= n


def wake_if_due(t: Tables, row: Row) -> None:
    if row.state is State.WAITING and fulfilled(t, row):
        let_go(t, row)


def let_go(t: Tables, row: Row) -> None:
    """A waiting run goes on: succeeded if it had returned, scheduled if it has a delay of its own, else queued."""
    if row.returned:
        finish(t, row, Ending(state=State.SUCCEEDED, result=row.result))
        return
    delay, row.own_delay = row.own_delay, None
    due_at = row.new.at if row.new.at is not None else t.now + (delay or 0.0)
    expire_from(t, row, due_at)
    if row.claims == 0 and due_at > t.now:
        schedule(t, row, due_at)
    else:
        row.woken = row.claims > 0
        queue_up(t, row)


def ring_queue(t: Tables, queue: str) -> None:
    t.rings.add(queue_topic(queue))
