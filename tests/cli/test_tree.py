"""`penstock runs tree`."""

from penstock import Tree
from penstock.app.status import Status
from penstock.cli.tree import tree_document, tree_lines
from penstock.core.error_record import ErrorRecord
from penstock.core.state import State
from tests.cli.conftest import Line


def a_status(task: str, state: State = State.QUEUED, **fields: object) -> Status:
    return Status(
        id=f"id-{task}",
        task=task,
        queue="default",
        state=state,
        priority=0,
        attempts=0,
        failures=0,
        crashes=0,
        releases=0,
        life=1,
        enqueued_at=0.0,
        since_at=40.0,
        input={},
        **fields,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )


def a_tree(run: Status, *children: Tree, **fields: object) -> Tree:
    given = {"kind": "dependency", "name": "", "if_fails": "fail", "pending": 0, "blocked_by": None, **fields}
    return Tree(run=run, children=children, **given)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_tree_is_drawn() -> None:
    failed = a_status("charge", State.FAILED, error=ErrorRecord(type="ValueError", message="no\x1b[31m money"))
    top = a_tree(
        a_status("ship", State.WAITING),
        a_tree(a_status("pack", State.WAITING), a_tree(a_status("check")), pending=1),
        a_tree(failed, name="payment", if_fails="block"),
        a_tree(a_status("mail"), if_fails="ignore", more=True),
        pending=3,
        blocked_by="id-charge",
        more=True,
    )
    assert tree_lines(tree_document(top), 100.0) == [
        "ship  id-ship  waiting  since 1m ago  blocked by id-charge",
        "├─ pack  id-pack  waiting  since 1m ago  waits for 1",
        "│  └─ check  id-check  queued  since 1m ago",
        "├─ charge as payment (block)  id-charge  failed  since 1m ago  ValueError: no\\x1b[31m money",
        "├─ mail (ignore)  id-mail  queued  since 1m ago",
        "│  └─ ... more",
        "└─ ... more",
    ]


def test_a_run_alone_is_a_tree(line: Line) -> None:
    run_id = line.enqueued("add", "1")
    found = line.json("runs", "tree", run_id)
    assert (found["run"]["id"], found["children"], found["more"]) == (run_id, [], False)
    told = line.shop("runs", "tree", run_id, "--depth", "2", "--children", "3")
    assert told.status == 0
    assert told.out.startswith(f"add  {run_id}  queued  since ")


def test_a_tree_of_nothing_is_not_found(line: Line) -> None:
    told = line.shop("runs", "tree", "nobody")
    assert told.status != 0
    assert "nobody" in told.err
