"""Runs changed over HTTP before they start, and queues cleared."""

from typing import Any

import pytest

from penstock import App, Context, inject
from tests.web.visitor import Visitor

API = "/api/v1"


async def asked(visitor: Visitor, method: str, path: str, body: object = None, status: int = 200) -> Any:
    answer = await visitor.ask(method, API + path, body)
    assert answer.status == status, answer.body
    return answer.document if answer.body else None


async def new_run(visitor: Visitor, **options: object) -> str:
    found = await asked(visitor, "POST", "/runs", {"task": "add", "input": {"a": 1, "b": 2}, "options": options}, 201)
    run_id: str = found["id"]
    return run_id


async def test_a_run_is_put_off_and_brought_forward(visitor: Visitor) -> None:
    run_id = await new_run(visitor)
    later = await asked(visitor, "POST", f"/runs/{run_id}/reschedule", {"delay": "10m"})
    assert (later["state"], later["due_at"] > later["since_at"] + 500) == ("scheduled", True)
    at = later["due_at"] + 60
    assert (await asked(visitor, "POST", f"/runs/{run_id}/reschedule", {"at": at}))["due_at"] == pytest.approx(at)
    now = await asked(visitor, "POST", f"/runs/{run_id}/reschedule", {"delay": 0})
    assert (now["state"], now.get("due_at")) == ("queued", None)


async def test_a_run_has_another_priority_and_other_input(app: App, visitor: Visitor) -> None:
    run_id = await new_run(visitor)
    assert (await asked(visitor, "POST", f"/runs/{run_id}/reprioritise", {"priority": 7}))["priority"] == 7
    changed = await asked(visitor, "PUT", f"/runs/{run_id}/input", {"input": {"a": 3, "b": 4}})
    assert changed["input"] == {"a": 3, "b": 4}
    odd = await asked(visitor, "PUT", f"/runs/{run_id}/input", {"input": {"a": 3, "self": 4}}, 422)
    assert odd["status"] == 422
    async with app.worker():
        assert await app.run(run_id).result(timeout=30) == 7
    gone = await asked(visitor, "PUT", f"/runs/{run_id}/input", {"input": {"a": 5, "b": 6}}, 409)
    assert gone["type"] == "urn:penstock:problem:wrong-state"


async def test_what_a_run_has_said_is_dropped(app: App, visitor: Visitor) -> None:
    @app.task
    async def talk(*, ctx: Context = inject()) -> None:
        ctx.log("said")

    run = await talk.enqueue()
    async with app.worker():
        await run.result(timeout=30)
    assert "log" in [line["kind"] for line in (await asked(visitor, "GET", f"/runs/{run.id}/log"))["items"]]
    await asked(visitor, "DELETE", f"/runs/{run.id}/log", status=204)
    left = [line["kind"] for line in (await asked(visitor, "GET", f"/runs/{run.id}/log"))["items"]]
    assert left == ["enqueued", "claimed", "finished"]


async def test_queues_are_drained_and_cleaned(app: App, visitor: Visitor) -> None:
    waiting, due_later = await new_run(visitor), await new_run(visitor, delay="1h")
    elsewhere = await new_run(visitor, queue="other")
    assert await asked(visitor, "POST", "/queues/default/drain") == {"removed": 1}
    await asked(visitor, "GET", f"/runs/{waiting}", status=404)
    assert await asked(visitor, "POST", "/queues/default/drain", {"delayed": True}) == {"removed": 1}
    await asked(visitor, "GET", f"/runs/{due_later}", status=404)
    await app.cancel(elsewhere)
    old = {"older_than": "1h", "state": ["cancelled"]}
    assert await asked(visitor, "POST", "/queues/other/clean", old) == {"removed": 0}
    now = {"older_than": 0, "state": ["cancelled", "failed"], "limit": 5}
    assert await asked(visitor, "POST", "/queues/other/clean", now) == {"removed": 1}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/runs/{}/reschedule", {}),
        ("POST", "/runs/{}/reschedule", {"at": 1.0, "delay": 1}),
        ("POST", "/runs/{}/reschedule", {"delay": -1}),
        ("POST", "/runs/{}/reprioritise", {"priority": 1001}),
        ("PUT", "/runs/{}/input", {}),
        ("PUT", "/runs/{}/input", {"input": {"a": "no number", "b": 1}}),
        ("POST", "/queues/default/clean", {"older_than": 0, "state": ["running"]}),
        ("POST", "/queues/default/clean", {"older_than": 0, "state": []}),
        ("POST", "/queues/default/clean", {"older_than": "soon", "state": ["failed"]}),
    ],
)
async def test_what_is_refused_changes_nothing(visitor: Visitor, method: str, path: str, body: object) -> None:
    run_id = await new_run(visitor)
    before = await asked(visitor, "GET", f"/runs/{run_id}")
    await asked(visitor, method, path.format(run_id), body, 422)
    assert await asked(visitor, "GET", f"/runs/{run_id}") == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/runs/nobody/reschedule", {"delay": 1}),
        ("POST", "/runs/nobody/reprioritise", {"priority": 1}),
        ("PUT", "/runs/nobody/input", {"input": {}}),
        ("DELETE", "/runs/nobody/log", None),
    ],
)
async def test_a_run_that_is_not_there_is_not_found(visitor: Visitor, method: str, path: str, body: object) -> None:
    found = await asked(visitor, method, path, body, 404)
    assert found["type"] == "urn:penstock:problem:not-found"


async def test_a_key_of_a_limit_is_paused_and_resumed(app: App, visitor: Visitor) -> None:
    await asked(visitor, "POST", "/limits/tenants/pause", {"key": "acme"}, 404)
    await app.limits.set("tenants", n=2)
    paused = await asked(visitor, "POST", "/limits/tenants/pause", {"key": "acme"})
    assert paused == {"limit": "tenants", "key": "acme", "paused": True}
    [one] = (await asked(visitor, "GET", "/limits"))["items"]
    assert (one["key"], one["paused"]) == ("acme", True)
    await asked(visitor, "POST", "/limits/tenants/resume", {"key": "acme"})
    assert await app.paused() == []
    await asked(visitor, "POST", "/limits/tenants/pause", {}, 422)
