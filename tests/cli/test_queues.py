"""`penstock queues`: standing, pause and resume, drain and clean."""

import pytest

from tests.cli.conftest import Line, at_the_shop


def standing(line: Line, queue: str) -> dict[str, object]:
    found: dict[str, object]
    (found,) = [one for one in line.json("queues", "list")["queues"] if one["queue"] == queue]
    return found


def test_a_queue_shows_its_runs_by_state(line: Line) -> None:
    line.enqueued("greet", "name=a")
    line.enqueued("greet", "name=b", "--delay", "1h")
    assert standing(line, "mail") == {
        "queue": "mail",
        "scheduled": 1,
        "queued": 1,
        "running": 0,
        "waiting": 0,
        "succeeded": 0,
        "failed": 0,
        "cancelled": 0,
        "capped": [],
        "paused": False,
        "workers": 0,
    }


def test_a_paused_queue_keeps_its_runs_until_resumed(line: Line) -> None:
    run_id = line.enqueued("greet", "name=a")
    assert line.shop("queues", "pause", "mail").status == 0
    assert standing(line, "mail")["paused"] is True
    line.work()
    assert "paused" in line.shop("why", run_id).out
    assert line.shop("queues", "resume", "mail").status == 0
    line.work()
    assert line.json("runs", "show", run_id)["state"] == "succeeded"


def test_a_task_is_paused_wherever_its_runs_stand(line: Line) -> None:
    kept, other = line.enqueued("explode"), line.enqueued("add", "1")
    line.json("queues", "pause", "--task", "explode")
    line.work()
    assert line.json("runs", "show", other)["state"] == "succeeded"
    assert line.json("why", kept)["why"]["reason"] == "pause"


def test_a_queue_that_nobody_knows_is_paused_and_named(line: Line) -> None:
    told = line.shop("queues", "pause", "post")
    assert told.status == 0
    assert "post" in told.err
    assert line.shop("queues", "pause").status == 2


def test_a_drained_queue_has_nothing_to_start(line: Line) -> None:
    """B-145: what is not due yet goes only if asked."""
    line.enqueued("greet", "name=a")
    line.enqueued("add", "1")
    line.enqueued("greet", "name=b", "--delay", "1h")
    assert line.json("queues", "drain", "mail", "--yes") == {"queue": "mail", "removed": 1}
    assert line.json("queues", "drain", "mail", "--delayed", "--yes") == {"queue": "mail", "removed": 1}
    assert [run["task"] for run in line.json("runs", "list")["runs"]] == ["add"]


def test_many_are_not_removed_unasked(line: Line) -> None:
    line.enqueued("add", "1")
    for words in (("queues", "drain", "default"), ("queues", "clean", "default", "--older-than", "0")):
        told = line.shop(*words)
        assert told.status == 2
        assert "--yes" in told.err
    assert len(line.json("runs", "list")["runs"]) == 1


@pytest.mark.usefixtures("at_a_terminal")
def test_a_terminal_is_asked_and_may_say_no(line: Line) -> None:
    line.enqueued("add", "1")
    no = line.shop("queues", "drain", "default", stdin="n\n")
    assert no.status == 1
    assert "Remove 1 run from queue default?" in no.err
    assert "nothing was changed" in no.err
    assert line.shop("queues", "drain", "default", stdin="y\n").status == 0
    assert line.json("runs", "list")["runs"] == []


def test_cleaning_removes_what_is_old_enough_in_its_state(line: Line) -> None:
    """B-147."""
    line.enqueued("add", "1")
    line.enqueued("explode")
    line.work()
    line.enqueued("add", "2")
    assert line.json("queues", "clean", "default", "--older-than", "1h", "--yes")["removed"] == 0
    assert line.json("queues", "clean", "default", "--older-than", "0", "--yes")["removed"] == 1
    assert {run["state"] for run in line.json("runs", "list")["runs"]} == {"failed", "queued"}


def test_cleaning_keeps_to_states_limit_and_queue(line: Line) -> None:
    for n in range(3):
        line.enqueued("add", str(n))
    line.enqueued("greet", "name=a")
    clean = ("queues", "clean", "--older-than", "0", "--yes", "--state", "queued")
    assert line.json(*clean, "mail", "--limit", "5")["removed"] == 1
    assert line.json(*clean, "--all", "--limit", "2")["removed"] == 2
    assert len(line.json("runs", "list")["runs"]) == 1
    assert line.shop(*clean).status == 2
    assert line.shop(*clean, "mail", "--all").status == 2
    assert line.shop("queues", "clean", "--all", "--older-than", "0", "--yes", "--state", "running").status == 2


def test_a_deleted_queue_is_gone_with_all_its_runs(line: Line) -> None:
    """B-149."""
    line.enqueued("greet", "name=a")
    line.work()
    line.enqueued("greet", "name=b", "--delay", "1h")
    line.enqueued("add", "1")
    told = line.shop("queues", "delete", "mail")
    assert told.status == 2
    assert "2 runs, whatever their state" in told.err
    assert line.json("queues", "delete", "mail", "--yes") == {"queue": "mail", "removed": 2}
    assert [run["task"] for run in line.json("runs", "list")["runs"]] == ["add"]
    at_the_shop(lambda app: app.claim("default"))
    refused = line.shop("queues", "delete", "default", "--yes")
    assert refused.status == 6
    assert line.shop("queues", "delete", "default", "--yes", "--force", "--timeout", "0s").status == 5
