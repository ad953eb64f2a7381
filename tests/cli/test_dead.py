"""`penstock dead`."""

from tests.cli.conftest import Line


def deceased(line: Line, n: int = 1) -> list[str]:
    """Ids of runs on the dead-letter list of their queue, the latest first."""
    for _ in range(n):
        line.enqueued("explode")
    line.work()
    return [run["id"] for run in line.json("dead", "list")["dead"]]


def test_a_run_that_failed_for_good_is_listed(line: Line) -> None:
    (run_id,) = deceased(line)
    for name in ((), ("default-dlq",)):
        (run,) = line.json("dead", "list", *name)["dead"]
        assert (run["id"], run["state"], run["dead_letter"]) == (run_id, "failed", "default-dlq")
    assert line.json("dead", "list", "other")["dead"] == []
    assert "RuntimeError: no" in line.shop("dead", "list").out


def test_a_list_goes_on_where_it_ended(line: Line) -> None:
    ids = deceased(line, 3)
    page = line.json("dead", "list", "--limit", "2")
    rest = line.json("dead", "list", "--limit", "2", "--after", page["after"])
    assert [run["id"] for run in page["dead"] + rest["dead"]] == ids


def test_some_or_all_are_redriven(line: Line) -> None:
    first, *others = deceased(line, 3)
    assert line.json("dead", "redrive", first)["done"] == [first]
    told = line.shop("dead", "redrive", "--all")
    assert told.status == 2
    assert "Redrive 2 dead letters on all lists?" in told.err
    assert line.json("dead", "redrive", "--list", "default-dlq", "--yes")["done"] == others
    assert line.json("dead", "list")["dead"] == []
    assert {run["life"] for run in line.json("runs", "list")["runs"]} == {2}


def test_some_or_all_are_deleted(line: Line) -> None:
    first, *others = deceased(line, 3)
    assert line.json("dead", "delete", first)["done"] == [first]
    assert line.json("dead", "delete", "--all", "--yes")["done"] == others
    assert line.json("runs", "list")["runs"] == []


def test_which_ones_must_be_said_in_one_way(line: Line) -> None:
    for words in ((), ("x", "--all"), ("--all", "--list", "y")):
        assert line.shop("dead", "redrive", *words).status == 2


def test_an_empty_list_is_no_error(line: Line) -> None:
    told = line.shop("dead", "redrive", "--all")
    assert (told.status, told.out) == (0, "no dead letters on all lists\n")
