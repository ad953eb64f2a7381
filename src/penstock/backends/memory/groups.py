"""Groups of new runs: looked at whole, then stored whole. Shared by enqueue, spawn, fire and signals that start."""

from msgspec.structs import replace

from penstock.backends.memory import keys, lines, moves, repeats
from penstock.backends.memory.moves import Ending
from penstock.backends.memory.rows import Mark, Row, Tables
from penstock.core.answers import Accepted, Answer, Entered, Refused
from penstock.core.requests import Group
from penstock.core.run import Cause, ChildOf, Kind, NewRun
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.doorbell import UPKEEP

MOST_RUNS = 1_000
MOST_BYTES = 4 * 1024 * 1024
DEEPEST = 64
SMALL_TREE = 1_000  # what one move may carry from one root to another, or remove


def enter(t: Tables, group: Group, *, holder: Row | None = None) -> Accepted | Refused:
    """Store the group, or say what is wrong with it. `holder`: the running run whose children these may be."""
    refused = check_group(t, group) or check_runs(t, group, holder)
    if refused is not None:
        return refused
    entered: list[Entered] = []
    fresh: list[Row] = []
    known: list[tuple[str, ChildOf]] = []
    again: list[tuple[Row, NewRun]] = []
    for new in group.runs:
        existing = known_as(t, new)
        if existing is None:
            fresh.append(create(t, new, group))
        elif existing != new.id and repeats.makes_next(t, new):
            repeats.create_next(t, new)
            existing = None
        elif existing != new.id and (row := repeats.taken_over(t, new)) is not None:
            again.append((row, new))
            existing = row.id
        entered.append(Entered(id=existing or new.id, created=existing is None))
        if existing is not None and new.parent is not None and new.parent.kind is Kind.DEPENDENCY:
            known.append((existing, new.parent))
    open_or_close(t, group)
    for run_id, edge in known:
        adopt(t, t.rows[run_id], edge)
    for row in fresh:
        activate(t, row)
    for row, new in again:
        repeats.rewrite(t, row, new)
    return Accepted(runs=tuple(entered))


def known_as(t: Tables, new: NewRun) -> str | None:
    """The run that this one's id or key stands for already."""
    if new.id in t.rows:
        return new.id
    entry = keys.live_key(t, new)
    return entry.run_id if entry is not None else None


def check_group(t: Tables, group: Group) -> Refused | None:
    """Bounds, and the flow that the group says it belongs to."""
    if len(group.runs) > MOST_RUNS or sum(len(new.input) + len(new.options) for new in group.runs) > MOST_BYTES:
        return Refused(answer=Answer.BIG, detail=f"a group has at most {MOST_RUNS} runs and {MOST_BYTES} bytes")
    if group.flow is None:
        named = group.opens or group.closes
        return Refused(answer=Answer.INVALID, detail="opens and closes need the flow's root") if named else None
    root = t.rows.get(group.flow)
    if group.opens:
        first = group.runs[0].id if group.runs else None
        if first != group.flow:
            return Refused(answer=Answer.INVALID, detail="the first run of a flow's first group is its root")
        if root is None:
            return None
    if root is None:
        return Refused(answer=Answer.NOT_FOUND, run_id=group.flow, detail="no such flow")
    if not root.open or (root.mark is not None and root.mark.close):
        known = all(new.id in t.rows for new in group.runs)
        return None if known else Refused(answer=Answer.STATE, run_id=group.flow, detail="the flow is not open")
    return None


def check_runs(t: Tables, group: Group, holder: Row | None) -> Refused | None:
    """The first run that can't be stored."""
    depths: dict[str, int] = {}
    hashes: dict[tuple[str, str], bytes] = {}
    edges = {new.id: new.parent.parent_id for new in group.runs if new.parent is not None}
    parents = frozenset((*edges.values(), group.flow or ""))
    for index, new in enumerate(group.runs):
        refused = check_key(t, new, hashes, parents) or check_edge(t, new, depths, holder)
        refused = refused or check_held(t, new, edges)
        if refused is None and new.id in t.rows and circular(t, new.id, edges):
            refused = Answer.CYCLE, new.id, "the run would depend on itself"
        if refused is not None:
            answer, run_id, detail = refused
            return Refused(answer=answer, index=index, run_id=run_id, detail=detail)
    return None


Problem = tuple[Answer, str | None, str]


def check_key(t: Tables, new: NewRun, hashes: dict[tuple[str, str], bytes], parents: frozenset[str]) -> Problem | None:
    if new.key is None or new.id in t.rows:
        return None
    if (new.parent is not None and new.parent.kind is not Kind.STARTED) or new.id in parents:
        return Answer.INVALID, new.id, "a key is refused on dependencies, calls and runs with children"
    entry = keys.live_key(t, new)
    known = entry.input_hash if entry is not None else hashes.get((new.task, new.key.key))
    hashes.setdefault((new.task, new.key.key), new.key.input_hash)
    if known is not None and known != new.key.input_hash:
        return Answer.KEY_CONFLICT, entry.run_id if entry else None, f"key {new.key.key!r} stands for other input"
    return None


def check_edge(t: Tables, new: NewRun, depths: dict[str, int], holder: Row | None) -> Problem | None:
    """Whether the run may become a child as it says."""
    depths[new.id] = t.rows[new.id].depth if new.id in t.rows else 0
    edge = new.parent
    if edge is None:
        return None
    if holder is None and edge.kind is not Kind.DEPENDENCY:
        return Answer.INVALID, new.id, "calls and started children are spawned by the run that holds the lease"
    parent = t.rows.get(edge.parent_id)
    if parent is None and edge.parent_id not in depths:
        return Answer.NOT_FOUND, edge.parent_id, "no such parent"
    if edge.kind is not Kind.STARTED:
        depths[new.id] = depths.get(edge.parent_id, parent.depth if parent else 0) + 1
    if depths[new.id] > DEEPEST:
        return Answer.DEEP, new.id, f"more than {DEEPEST} levels"
    if new.id in t.rows:
        if edge.kind is not Kind.STARTED and t.rows[new.id].new.key is not None:
            return Answer.INVALID, new.id, "a run with a key is no dependency"
        return check_adoption(t, t.rows[new.id], edge)
    if parent is not None:
        if holder is None and parent.state is State.RUNNING:
            return Answer.RUNNING, parent.id, "a running run gets children from its holder, or by attach"
        return check_parent(parent)
    return None


def circular(t: Tables, run_id: str, edges: dict[str, str]) -> bool:
    """Whether the way up from this run, by the group's edges and the stored ones, comes back to it."""
    above = edges.get(run_id)
    seen: set[str] = set()
    while above is not None and above not in seen:
        if above == run_id:
            return True
        seen.add(above)
        row = t.rows.get(above)
        above = edges.get(above, row.parent_id if row is not None else None)
    return False


def check_parent(parent: Row) -> Problem | None:
    """Whether this run may still get children."""
    if parent.state.finished:
        return Answer.FINISHED, parent.id, "the parent is finished"
    mark = parent.mark
    if parent.ending is not None or (mark is not None and (mark.remove or (mark.cancel and mark.upto is None))):
        return Answer.CASCADING, parent.id, "a cancel or removal of the parent is under way"
    return None


def check_held(t: Tables, new: NewRun, edges: dict[str, str]) -> Problem | None:
    """A child that waits for a slot which an ancestor keeps until the child is done would wait for ever."""
    if new.parent is None or new.parent.kind is Kind.STARTED or not new.limits:
        return None
    over: str | None = new.parent.parent_id
    for _ in edges:
        if over is None or over in t.rows:
            break
        over = edges.get(over)
    above = t.rows.get(over) if over is not None else None
    while above is not None:
        for ref in new.limits:
            definition = t.limits.get(ref.name)
            if definition is not None and definition.hold and (ref.name, ref.key) in above.slots:
                return Answer.HELD, above.id, f"an ancestor holds the slot of {ref.name!r} {ref.key!r} to its end"
        above = t.parent_of(above)
    return None


def check_adoption(t: Tables, row: Row, edge: ChildOf) -> Problem | None:
    """Whether an existing run may become this dependency."""
    if row.parent_id == edge.parent_id or edge.kind is Kind.STARTED:
        return None
    parent = t.rows.get(edge.parent_id)
    if parent is not None and (problem := check_parent(parent)) is not None:
        return problem
    if edge.kind is not Kind.DEPENDENCY:
        return Answer.HAS_PARENT, row.id, "the id is taken by a run that is no child of this one"
    old = t.parent_of(row)
    if old is not None and not old.state.finished and row.kind is not Kind.STARTED:
        return Answer.HAS_PARENT, old.id, "the run has another parent that lives"
    if circular(t, row.id, {row.id: edge.parent_id}):
        return Answer.CYCLE, row.id, "the run would depend on itself"
    if row.state is State.WAITING and row.open:
        return Answer.STATE, row.id, "the run belongs to an open flow"
    return check_tree(t, moves.below(t, row), edge, parent.depth if parent is not None else 0)


def check_tree(t: Tables, tree: list[Row], edge: ChildOf, depth: int) -> Problem | None:
    """Whether a tree may hang below a run of this depth."""
    row = tree[0]
    for one in tree:
        held = check_held(t, replace(one.new, parent=edge), {})
        if held is not None:
            return held
    if len(tree) > SMALL_TREE:
        return Answer.BIG, row.id, f"more than {SMALL_TREE} runs below it"
    if max(one.depth for one in tree) - row.depth + depth >= DEEPEST:
        return Answer.DEEP, row.id, f"more than {DEEPEST} levels"
    return None


def create(t: Tables, new: NewRun, group: Group) -> Row:
    """The row of a new run, with its key and the count at its parent, in no place yet."""
    row = moves.insert(t, new)
    now = t.now
    keys.take_key(t, new)
    if group.flow is not None:
        row.open = True
        row.state, row.wake, row.own_delay = State.WAITING, new.wake, new.delay
    elif new.wake is not None:
        row.state, row.own_delay = State.WAITING, new.delay
        row.wake = resolve(new.wake, now)
    else:
        due_at = new.at if new.at is not None else now + (new.delay or 0.0)
        moves.expire_from(t, row, due_at)
        if due_at > now:
            row.state, row.due_at = State.SCHEDULED, due_at
    if row.kind is Kind.DEPENDENCY:
        hold_back(t, row)
    return row


def hold_back(t: Tables, child: Row) -> None:
    """A parent that stands ready without having started waits for its new dependency."""
    parent = t.parent_of(child)
    if parent is not None and (parent.place is not None or parent.state is State.SCHEDULED):
        wait_again(t, parent)


def wait_again(t: Tables, parent: Row) -> None:
    """Back from ready to waiting for its dependencies: only a run that has not been claimed."""
    if parent.claims or parent.early or parent.ending is not None:
        return  # it has started, or a child that failed under `continue` has let it go
    from_scheduled = parent.state is State.SCHEDULED
    if from_scheduled and parent.due_at is not None:
        parent.own_delay = max(0.0, parent.due_at - t.now)
    lines.leave(t, parent)
    moves.set_state(t, parent, State.WAITING)
    parent.due_at, parent.expires_at, parent.wake = None, None, Wake(idle=True)


def resolve(wake: Wake, now: float) -> Wake:
    """A wake with its delay turned into a moment."""
    if wake.delay is None:
        return wake
    at = now + wake.delay if wake.at is None else min(wake.at, now + wake.delay)
    return replace(wake, at=at, delay=None)


def open_or_close(t: Tables, group: Group) -> None:
    """The root of a flow notes its latest group; the last one lets its runs go, by a mark."""
    if group.flow is None:
        return
    root = t.rows[group.flow]
    if not root.open:
        return
    root.opened_at = t.now
    if group.closes:
        root.mark = root.mark or Mark()
        root.mark.close = True
        t.rings.add(UPKEEP)


def adopt(t: Tables, row: Row, edge: ChildOf) -> None:
    """An existing run becomes a dependency: what it has come to counts at once."""
    parent = t.rows[edge.parent_id]
    if row.parent_id == edge.parent_id or parent.state.finished:
        return
    moves.cut(t, row)
    row.new = replace(row.new, parent=edge)
    row.parent_id = parent.id
    t.children[parent.id][row.id] = None
    moves.reroot(t, row, parent.root_id or parent.id, parent.depth + 1)
    parent.pending += 1
    if not row.state.finished:
        hold_back(t, row)
    elif row.state is State.SUCCEEDED:
        moves.count(t, parent, row)
    else:
        moves.apply_policy(t, parent, row, edge.if_fails)


def activate(t: Tables, row: Row) -> None:
    """Give a created row its place."""
    if row.state is State.QUEUED and row.place is None:
        dropped = any(
            t.limits[key[0]].full == "drop" and not lines.free(t, key) and not lines.paused(t, key)
            for key in lines.keys_of(t, row)
        )
        if row.pending:
            wait_again(t, row)
        elif dropped:
            moves.finish(t, row, Ending(state=State.CANCELLED, cause=Cause.LIMIT))
        else:
            moves.queue_up(t, row)
    elif row.state is State.SCHEDULED and row.due_at is not None:
        t.due(row.due_at)
    elif row.state is State.WAITING:
        if row.wake is not None and row.wake.at is not None:
            t.due(row.wake.at)
        moves.wake_if_due(t, row)
