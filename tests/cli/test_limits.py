"""`penstock limits`: how they stand, other numbers, and none at all."""

from tests.cli.conftest import Line


def test_a_limit_is_set_listed_and_dropped(line: Line) -> None:
    """B-132, B-133."""
    assert line.shop("limits", "set", "mail", "3").status == 0
    [one] = line.json("limits", "list")["limits"]
    assert (one["name"], one["n"], one["period"], one["used"], one["parked"]) == ("mail", 3, None, 0, 0)
    assert line.json("limits", "show", "mail")["limits"] == [one]
    told = line.shop("limits", "set", "mail", "100", "--period", "1m", "--full", "drop")
    assert "100 in 1m" in told.out
    assert "100 in 1m" in line.shop("limits", "list").out
    assert line.shop("limits", "drop", "mail").status != 0  # nobody can be asked
    assert line.shop("limits", "drop", "mail", "--yes").status == 0
    assert line.json("limits", "list")["limits"] == []


def test_what_is_not_there_or_no_number_is_refused(line: Line) -> None:
    assert line.shop("limits", "show", "mail").status != 0
    assert line.shop("limits", "drop", "mail", "--yes").status != 0
    assert line.shop("limits", "set", "mail", "-1").status == 2
    assert line.shop("limits", "set", "a b", "1").status == 2
    assert line.shop("limits", "set", "mail", "1", "--period", "1m", "--full", "replace").status == 2


def test_a_key_is_paused_and_resumed(line: Line) -> None:
    assert line.shop("limits", "pause", "mail", "acme").status != 0  # there is no such limit
    line.shop("limits", "set", "mail", "3")
    assert "acme paused" in line.shop("limits", "pause", "mail", "acme").out
    [one] = line.json("limits", "list")["limits"]
    assert (one["key"], one["paused"]) == ("acme", True)
    assert line.json("limits", "resume", "mail", "acme") == {"limit": "mail", "key": "acme", "paused": False}
    assert not any(one["paused"] for one in line.json("limits", "list")["limits"])
