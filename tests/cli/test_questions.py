"""`penstock why`, `check`, `reconcile`, `doctor` and `config`."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock import App
from penstock.backends.memory import MemoryStore
from penstock.core.errors import Unavailable
from penstock.core.leases import Ability, ClaimRequest
from penstock.core.registry import WorkerInfo
from tests.cli.conftest import Line, at_the_shop


def grades(line: Line, *words: str) -> dict[str, str]:
    told = line.shop("doctor", "-o", "json", *words)
    return {finding["name"]: finding["status"] for finding in told.document["findings"]}


def register(*, queues: tuple[str, ...] = ("default", "mail"), app: str = "shop") -> None:
    """A worker that is alive, elsewhere."""

    async def alive(app_: App) -> None:
        now = (await app_.info()).now
        abilities = frozenset(Ability(task=task) for task in app_.tasks)
        info = WorkerInfo(worker="w", host="h", pid=1, queues=queues, abilities=abilities, started_at=now, app=app)
        await store_of(app_).register(info, seconds=60)

    at_the_shop(alive)


def store_of(app: App) -> Any:
    return app._client.stores._new_store()


def strand(line: Line) -> str:
    """A run whose worker is gone: it was claimed with a lease that has expired."""
    run_id = line.enqueued("add", "1")

    async def claim(app: App) -> None:
        store = store_of(app)
        able = frozenset({Ability(task="add")})
        await store.claim(
            ClaimRequest(claim_id="c", worker="gone", queues=("default",), abilities=able, limit=1, lease=0)
        )

    at_the_shop(claim)
    return run_id


@pytest.mark.parametrize(
    ("task", "words", "reason", "told"),
    [
        ("add", ("--delay", "1h"), "due", "runs promote"),
        ("add", (), "no_worker", "penstock worker"),
    ],
)
def test_a_run_says_why_it_has_not_finished(
    line: Line, task: str, words: tuple[str, ...], reason: str, told: str
) -> None:
    run_id = line.enqueued(task, "1", *words)
    assert line.json("why", run_id)["why"]["reason"] == reason
    assert told in line.shop("why", run_id).out


def test_a_finished_run_says_how_it_ended(line: Line) -> None:
    well, badly = line.enqueued("add", "1"), line.enqueued("explode", "message=bang")
    line.work()
    assert line.json("why", well)["why"] is None
    assert line.shop("why", well).out.startswith("succeeded")
    assert "RuntimeError: bang" in line.shop("why", badly).out
    assert line.shop("why", "nobody").status == 3


def test_a_sound_store_exits_with_0(line: Line) -> None:
    assert line.json("check") == {"ok": True, "problems": []}


def test_an_unsound_store_exits_with_1_and_names_what_is_wrong(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unsound(_: MemoryStore) -> list[str]:
        return ["r is \x1b wrong"]

    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "check", unsound)
        told = line.shop("check")
    assert told.status == 1
    assert told.out.splitlines()[0] == "r is \\x1b wrong"


def test_a_run_whose_worker_is_gone_is_brought_back(line: Line) -> None:
    run_id = strand(line)
    assert line.json("reconcile") == {"scanned": 1, "stalled": 1, "reconciled": 1, "failed": 0}
    assert line.json("runs", "show", run_id)["state"] == "queued"


def test_a_worker_gone_for_less_than_asked_is_left_alone(line: Line) -> None:
    run_id = strand(line)
    assert line.json("reconcile", "--older-than", "1h")["stalled"] == 0
    assert line.json("runs", "show", run_id)["state"] == "running"
    assert line.shop("reconcile", "--every", "0.1").status == 2


def test_a_healthy_system_has_no_failures(line: Line) -> None:
    register()
    found = grades(line)
    assert set(found.values()) <= {"ok", "warn"}
    assert found["durability"] == "warn"
    assert line.shop("doctor").status == 0
    assert line.shop("doctor", "--strict").status == 1


def test_work_without_a_worker_is_a_failure(line: Line) -> None:
    line.enqueued("add", "1")
    told = line.shop("doctor")
    assert told.status == 1
    assert grades(line)["workers"] == "fail"
    assert "penstock worker MODULE:app" in told.out


def test_a_queue_without_a_worker_and_a_paused_one_are_named(line: Line) -> None:
    register(queues=("default",))
    line.enqueued("greet", "name=a")
    assert grades(line)["queue"] == "fail"
    line.shop("queues", "pause", "mail")
    assert grades(line)["queue"] == "warn"
    assert "penstock queues resume mail" in line.shop("doctor").out


def test_a_task_that_nobody_knows_is_named(line: Line) -> None:
    register()
    line.enqueued("other", "--unchecked")
    assert grades(line)["tasks"] == "fail"
    assert "other (1 run)" in line.shop("doctor").out


def test_runs_of_lost_workers_are_named(line: Line) -> None:
    register()
    strand(line)
    assert grades(line)["running"] == "warn"


def test_workers_of_another_app_are_mixed_configuration(line: Line) -> None:
    register(app="barn")
    assert grades(line)["configuration"] == "warn"
    assert "barn" in line.shop("doctor").out


def test_clocks_that_differ_are_named(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.cli.findings.time.time", lambda: 1_000_000.0)
    told = line.shop("doctor")
    assert grades(line)["clock"] == "warn"
    assert "ahead of this one" in told.out


def test_a_store_that_does_not_answer_exits_with_4(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_: MemoryStore) -> None:
        raise Unavailable("connection refused", applied="no")

    monkeypatch.setattr(MemoryStore, "info", silent)
    told = line.shop("doctor")
    assert told.status == 4
    assert "connection refused" in told.out
    assert line.shop("runs", "list").status == 4


def settings(line: Line, *words: str) -> dict[str, tuple[Any, str]]:
    rows = json.loads(line("config", "-o", "json", *words).out)["settings"]
    return {row["setting"]: (row["value"], row["from"]) for row in rows}


def test_each_setting_says_where_it_comes_from(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(line, "--url", "memory://")
    assert found["url"] == ("memory://", "--url")
    assert found["namespace"] == ("penstock", "default")
    assert found["worker concurrency"] == (10, "default")
    assert found["run priority"] == (0, "default")

    file = tmp_path / "shop.env"
    file.write_text("PENSTOCK_URL=memory://\nPENSTOCK_NAMESPACE='shop'\n", encoding="utf-8")
    monkeypatch.setenv("PENSTOCK_NAMESPACE", "barn")
    found = settings(line, "--env-file", str(file))
    monkeypatch.delenv("PENSTOCK_URL")
    assert found["url"] == ("memory://", f"PENSTOCK_URL in {file}")
    assert found["namespace"] == ("barn", "PENSTOCK_NAMESPACE")
    assert found["env file"] == (str(file), "--env-file")


def test_the_code_of_an_app_is_named_as_the_origin(line: Line) -> None:
    found = settings(line, "--app", "tests.cli.shop:app")
    assert found["app"] == ("tests.cli.shop:app", "--app")
    assert found["url"][1].startswith("tests.cli.shop:app")
