"""Schedules, limits, workers, metrics and passes over HTTP: what a page for those who run an app is made of."""

import time
from typing import Any

import pytest

from penstock import App
from penstock.core.views import Rollup
from tests.web.conftest import SECRET
from tests.web.visitor import Answer, Visitor

API = "/api/v1"
TOKEN = "a-token-of-enough-characters"
ELSEWHERE = ("192.0.2.7", 1)
NIGHTLY = {"task": "add", "input": {"a": 1, "b": 2}, "cron": "0 3 * * *", "tz": "Europe/Paris", "jitter": "1m"}


async def document(visitor: Visitor, method: str, path: str, body: object = None, status: int = 200) -> Any:
    answer = await visitor.ask(method, API + path, body)
    assert answer.status == status, answer.body
    return answer.document if answer.body else None


async def test_a_schedule_is_made_changed_triggered_and_deleted(app: App, visitor: Visitor) -> None:
    made = await document(visitor, "PUT", "/schedules/nightly", NIGHTLY)
    assert (made["when"], made["jitter"], made["revision"]) == ("0 3 * * * Europe/Paris", 60.0, 1)
    assert await document(visitor, "PUT", "/schedules/nightly", NIGHTLY) == made  # the same again changes nothing
    changed = await document(visitor, "PATCH", "/schedules/nightly", {"every": "10m", "overlap": "allow"})
    assert (changed["overlap"], changed["revision"], changed["task"]) == ("allow", 2, "add")
    assert await document(visitor, "GET", "/schedules/nightly") == changed
    other = {"task": "add", "input": {"a": 5, "b": 6}, "options": {"queue": "slow"}}
    assert (await document(visitor, "PATCH", "/schedules/nightly", other))["queue"] == "slow"
    run = await document(visitor, "POST", "/schedules/nightly/trigger", status=201)
    assert (run["input"], run["queue"]) == ({"a": 5, "b": 6}, "slow")
    assert (await document(visitor, "POST", "/schedules/nightly/pause"))["paused"] is True
    assert (await document(visitor, "GET", "/schedules/nightly"))["paused"] is True
    assert (await document(visitor, "POST", "/schedules/nightly/resume"))["paused"] is False
    span = {"start": 1_700_000_000, "end": 1_700_003_599}
    assert await document(visitor, "POST", "/schedules/nightly/backfill", span) == {"stored": 6}
    assert await document(visitor, "POST", "/schedules/nightly/backfill", span) == {"stored": 0}
    assert (await visitor.ask("DELETE", f"{API}/schedules/nightly")).status == 204
    assert (await visitor.ask("DELETE", f"{API}/schedules/nightly")).status == 404


async def test_schedules_come_in_pages(app: App, visitor: Visitor) -> None:
    for name in ("a", "b", "c"):
        await document(visitor, "PUT", f"/schedules/{name}", NIGHTLY)
    first = await document(visitor, "GET", "/schedules?limit=2")
    assert ([one["name"] for one in first["items"]], first["after"]) == (["a", "b"], "b")
    last = await document(visitor, "GET", "/schedules?limit=2&after=b")
    assert ([one["name"] for one in last["items"]], last["after"]) == (["c"], None)


async def test_what_code_declares_is_not_changed_here(app: App, visitor: Visitor) -> None:
    """S2-44."""

    @app.cron("0 4 * * *", name="fixed")
    @app.task
    async def work() -> None: ...

    await app.sync()
    answer = await visitor.ask("PATCH", f"{API}/schedules/fixed", {"every": 60})
    assert (answer.status, answer.document["parameter"]) == (422, "name")


async def test_workers_and_metrics_are_read(app: App, visitor: Visitor) -> None:
    """B-176."""
    now = int(time.time() // 60)
    rows = [Rollup(minute=now - 2, queue="q", task="t", succeeded=3, failed=1, times=(0, 4))]
    await (await app._client.store()).flush(rows, worker="w", number=1)
    seen = await document(visitor, "GET", "/metrics?last=5m")
    assert (seen["succeeded"], seen["failed"], len(seen["minutes"])) == (3, 1, 5)
    assert [(one["task"], one["time"]["p50"]) for one in seen["tasks"]] == [("t", 0.002)]
    assert (await document(visitor, "GET", f"/metrics?last=300&until={(now - 10) * 60}"))["succeeded"] == 0
    assert (await document(visitor, "GET", "/metrics?queue=other"))["tasks"] == []
    async with app.worker(queues=["default"]) as worker:
        await (await app.enqueue("add", 1, 2)).result(timeout=20)
        while not (found := (await document(visitor, "GET", "/workers"))["items"]):
            pass  # it registers beside its work
        [one] = found
        assert (one["worker"], one["tasks"], one["memory"] > 0) == (worker.identity, ["add"], True)
        await app.named("add").opts(queue="nobody").enqueue(1, 2)
        queues = {one["queue"]: one["workers"] for one in (await document(visitor, "GET", "/queues"))["items"]}
        assert queues == {"default": 1, "nobody": 0}
    assert (await document(visitor, "POST", "/reconcile", {}))["scanned"] == 0


@pytest.fixture
def guarded(app: App) -> Visitor:
    """Asks from elsewhere, and has not said the token."""
    return Visitor(app.asgi(token=TOKEN, allowed_hosts=["jobs.example.com"]), {"host": "jobs.example.com"}, ELSEWHERE)


async def passed(visitor: Visitor, run_id: str, query: str = "") -> Answer:
    return await visitor.ask("GET", f"{API}/runs/{run_id}/pass{query}", authorization=f"Bearer {TOKEN}")


async def test_a_pass_opens_the_stream_of_one_run_and_nothing_else(app: App, guarded: Visitor) -> None:
    """An EventSource brings no header: whoever has the token hands it an address."""
    run = await app.named("waits", unchecked=True).opts(id="a/b").enqueue()
    other = await app.enqueue("waits", unchecked=True)
    await run.cancel()
    assert (await guarded.ask("GET", f"{API}/runs/a%2Fb/pass")).status == 401
    made = await passed(guarded, "a%2Fb")
    assert made.status == 200
    address = made.document["url"].partition("jobs.example.com")[2]
    assert address.startswith(f"{API}/runs/a%2Fb/stream?pass=")
    async with guarded.reading(address) as reader:
        assert [event.kind async for event in reader.events()] == ["enqueued", "finished"]
    async with guarded.reading(address, last_event_id="1") as reader:  # the browser comes back
        assert [event.kind async for event in reader.events()] == ["finished"]
    text = address.partition("pass=")[2]
    for path in (f"/runs/{other.id}/stream?pass={text}", "/runs/a%2Fb/stream?pass=AAAA", "/runs/a%2Fb/stream"):
        assert (await guarded.ask("GET", API + path)).status == 401, path
    for path in (f"/runs/a%2Fb?pass={text}", f"/runs/a%2Fb/log?pass={text}", f"/runs?pass={text}"):
        assert (await guarded.ask("GET", API + path)).status == 401, path
    assert (await guarded.ask("GET", address, host="elsewhere.example.com")).status == 421


async def test_a_pass_is_over_after_a_while(app: App, guarded: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await app.enqueue("waits", unchecked=True)
    made = (await passed(guarded, run.id, "?seconds=60")).document
    monkeypatch.setattr(time, "time", lambda: made["expires_at"] + 0.001)
    assert (await guarded.ask("GET", made["url"].partition("jobs.example.com")[2])).status == 401


async def test_passes_of_another_secret_open_nothing(app: App, guarded: Visitor) -> None:
    run = await app.enqueue("waits", unchecked=True)
    made = (await passed(guarded, run.id)).document
    elsewhere = Visitor(
        app.asgi(token=TOKEN, secret=SECRET, allowed_hosts=["jobs.example.com"]), guarded.headers, ELSEWHERE
    )
    assert (await elsewhere.ask("GET", made["url"].partition("jobs.example.com")[2])).status == 401


@pytest.mark.parametrize("query", ["?seconds=0", "?seconds=86401", "?seconds=x", "?more=1"])
async def test_a_pass_for_ever_is_refused(app: App, guarded: Visitor, query: str) -> None:
    run = await app.enqueue("waits", unchecked=True)
    assert (await passed(guarded, run.id, query)).status == 422
    assert (await passed(guarded, "nobody")).status == 404


async def test_without_a_token_there_are_no_passes(visitor: Visitor) -> None:
    assert (await visitor.ask("GET", f"{API}/runs/nobody/pass")).status == 404


async def test_a_link_made_in_python_is_used_over_http_and_the_other_way_round(app: App, visitor: Visitor) -> None:
    """Completion tokens: signed, once, for a while."""
    run = await app.enqueue("waits", unchecked=True)
    link = await app.ticket(run.id, "approval", ttl="1h", secret=SECRET, public_url="http://localhost/")
    assert link.url == f"http://localhost{API}/tickets/{link.ticket}"
    assert (await visitor.ask("POST", f"{API}/tickets/{link.ticket}", {"yes": True})).status == 202
    with pytest.raises(Exception, match="not been used"):
        await app.redeem(link.ticket, True, secret=SECRET)
    made = await document(visitor, "POST", f"/runs/{run.id}/tickets", {"signal": "approval"}, 201)
    assert await app.redeem(made["ticket"], {"yes": False}, secret=SECRET) == run.id
    assert (await visitor.ask("POST", f"{API}/tickets/{made['ticket']}")).status == 409
    store = await app._client.store()
    assert [one.payload for one in await store.signals(run.id)] == [b'{"yes":true}', b'{"yes":false}']
