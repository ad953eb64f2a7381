"""`penstock schedules`: what ticks and when, pause and resume, a run now, ticks of the past."""

import pytest

from penstock import App
from tests.cli.conftest import Line, at_the_shop


@pytest.fixture
def nightly(line: Line) -> Line:
    """A shop with a schedule, made at run time."""

    async def create(app: App) -> None:
        call = app.named("greet").call(name="a")
        await app.schedules.create("nightly", call, cron="0 3 * * *", tz="Europe/Paris", jitter="1m")

    at_the_shop(create)
    return line


def test_schedules_are_listed(nightly: Line) -> None:
    [one] = nightly.json("schedules", "list")["schedules"]
    assert (one["name"], one["when"], one["paused"], one["fired"]) == ("nightly", "0 3 * * * Europe/Paris", False, 0)
    told = nightly.shop("schedules", "list")
    assert "nightly" in told.out
    assert "in " in told.out


def test_a_schedule_is_shown(nightly: Line) -> None:
    told = nightly.shop("schedules", "show", "nightly")
    assert "0 3 * * * Europe/Paris" in told.out
    assert "made at run time" in told.out
    assert nightly.json("schedules", "show", "nightly")["jitter"] == 60.0
    assert nightly.shop("schedules", "show", "weekly").status != 0


def test_a_schedule_is_paused_and_resumed(nightly: Line) -> None:
    assert nightly.shop("schedules", "pause", "nightly").status == 0
    assert nightly.json("schedules", "show", "nightly")["paused"] is True
    assert "paused" in nightly.shop("schedules", "show", "nightly").out
    assert nightly.shop("schedules", "resume", "nightly").status == 0
    assert nightly.json("schedules", "show", "nightly")["paused"] is False
    assert nightly.shop("schedules", "pause", "weekly").status != 0


def test_a_run_is_stored_now(nightly: Line) -> None:
    """B-159."""
    run_id = nightly.json("schedules", "trigger", "nightly")["id"]
    assert nightly.json("runs", "show", run_id)["task"] == "greet"


def test_ticks_of_the_past_are_made_good_once(nightly: Line) -> None:
    words = ("schedules", "backfill", "nightly", "--start", "2026-01-01T00:00Z", "--end", "2026-01-03T12:00Z", "--yes")
    assert nightly.json(*words)["stored"] == 3
    assert nightly.json(*words)["stored"] == 0


def test_a_schedule_is_deleted(nightly: Line) -> None:
    assert nightly.shop("schedules", "delete", "nightly").status != 0  # nobody can be asked
    told = nightly.shop("schedules", "delete", "nightly", "weekly", "--yes")
    assert told.status == 0
    assert "weekly" in told.err
    assert nightly.json("schedules", "list")["schedules"] == []
    assert nightly.shop("schedules", "delete", "nightly", "--yes").status != 0


def test_a_schedule_is_created_and_edited(line: Line) -> None:
    """B-155."""
    words = ("schedules", "create", "hourly", "greet", "name=anna", "--cron", "0 * * * *", "--missed", "3")
    assert line.json(*words)["when"] == "0 * * * * UTC"
    shown = line.json("schedules", "show", "hourly")
    assert (shown["task"], shown["missed"], shown["overlap"]) == ("greet", 3, "skip")
    words = ("schedules", "edit", "hourly", "--every", "10m", "--overlap", "allow", "--jitter", "30s")
    told = line.json(*words)
    assert (told["when"], told["revision"]) == ("every 600s", 2)
    shown = line.json("schedules", "show", "hourly")
    assert (shown["missed"], shown["overlap"], shown["jitter"]) == (3, "allow", 30.0)
    run_id = line.json("schedules", "trigger", "hourly")["id"]
    assert line.json("runs", "show", run_id)["input"] == {"name": "anna"}


def test_a_one_off_is_created(line: Line) -> None:
    words = ("schedules", "create", "later", "greet", "name=anna", "--at", "2040-01-01T00:00Z")
    assert line.json(*words)["next_at"] == 2_208_988_800.0


def test_what_can_not_be_scheduled_is_refused(line: Line) -> None:
    """B-162, S2-38."""
    for words, named in (
        (("--cron", "0 * * *"), "cron"),
        (("--cron", "0 * * * *", "--every", "1h"), "cron"),
        ((), "cron"),
        (("--cron", "0 * * * *", "--tz", "Mars"), "tz"),
        (("--every", "1h", "--missed", "never"), "missed"),
        (("--every", "1h", "--start", "soon"), "start"),
    ):
        told = line.shop("schedules", "create", "wrong", "greet", "name=anna", *words)
        assert told.status != 0
        assert named in told.err
    assert line.shop("schedules", "edit", "nobody", "--every", "1h").status != 0
    assert line.shop("schedules", "edit", "nobody").status != 0
    assert line.json("schedules", "list")["schedules"] == []
