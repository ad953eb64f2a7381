"""What the API refuses, and how it says so."""

import re
from typing import Any

import pytest

from penstock import (
    App,
    Cascading,
    Duplicate,
    Invalid,
    KeyConflict,
    NotFound,
    Purged,
    State,
    Unavailable,
    UnknownTask,
    WrongState,
)
from penstock.app import surfaces
from penstock.web.problems import refusal_of
from tests.web.visitor import Answer, Visitor

API = "/api/v1"
TOKEN = "a token of enough characters".replace(" ", "-")


def check_problem(answer: Answer, status: int, name: str) -> None:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.document["type"] == f"urn:penstock:problem:{name}"
    assert answer.document["status"] == status
    assert answer.document["detail"]


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]
)
async def test_without_the_token_nothing_is_told(app: App, given: str) -> None:
    """S2-48."""
    visitor = Visitor(app.asgi(token=TOKEN), {"authorization": given})
    answer = await visitor.ask("POST", f"{API}/runs", {"task": "add", "input": {"a": 1, "b": 2}})
    check_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await app.counts() == []
    assert (await visitor.ask("GET", f"{API}/health")).status == 200


async def test_with_the_token_everyone_is_answered(app: App) -> None:
    visitor = Visitor(app.asgi(token=TOKEN), {"authorization": f"Bearer {TOKEN}"}, peer=("192.0.2.7", 1))
    assert (await visitor.ask("GET", f"{API}/runs")).status == 200


@pytest.mark.parametrize("peer", [("192.0.2.7", 1), ("::ffff:192.0.2.7", 1), ("example", 1), None])
async def test_without_a_token_only_this_machine_is_answered(app: App, peer: Any) -> None:
    check_problem(await Visitor(app.asgi(), peer=peer).ask("GET", f"{API}/runs"), 403, "not-here")


async def test_a_proxy_on_this_machine_does_not_make_everyone_local(app: App) -> None:
    answer = await Visitor(app.asgi()).ask("GET", f"{API}/runs", x_forwarded_for="192.0.2.7")
    check_problem(answer, 403, "not-here")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[", "127.0.0.1.evil.example:80"])
async def test_hosts_that_are_not_this_server_are_not_answered(app: App, host: str) -> None:
    """What guards against names that are made to lead here."""
    for site in (app.asgi(), app.asgi(token=TOKEN)):
        visitor = Visitor(site, {"host": host, "authorization": f"Bearer {TOKEN}"})
        check_problem(await visitor.ask("GET", f"{API}/runs"), 421, "wrong-host")


@pytest.mark.parametrize("host", ["localhost:8787", "127.0.0.1", "[::1]:80", "LOCALHOST"])
async def test_this_machine_has_several_names(app: App, host: str) -> None:
    assert (await Visitor(app.asgi(), {"host": host}).ask("GET", f"{API}/runs")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://example.org"},
        {"origin": "null"},
        {"origin": "https://localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=["other", "null", "scheme", "cross-site", "same-site"],
)
async def test_pages_of_other_sites_may_not_ask(app: App, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/queues/mail/pause"), ("GET", "/runs")):
        answer = await Visitor(app.asgi(), headers).ask(method, API + path)
        check_problem(answer, 403, "wrong-origin")
    assert await app.paused() == []


async def test_the_public_url_is_a_name_of_the_server(app: App) -> None:
    public = {"host": "example.com", "origin": "https://example.com", "sec-fetch-site": "same-origin"}
    with_token = Visitor(app.asgi(token=TOKEN, public_url="https://example.com/jobs"), public)
    assert (await with_token.ask("GET", f"{API}/runs", authorization=f"Bearer {TOKEN}")).status == 200
    without = Visitor(app.asgi(secret="s" * 16, public_url="https://example.com/jobs"), public)
    check_problem(await without.ask("GET", f"{API}/runs"), 421, "wrong-host")
    check_problem(await without.ask("POST", f"{API}/tickets/abc"), 404, "no-ticket")


async def test_named_origins_and_hosts_may_ask(app: App) -> None:
    site = app.asgi(token=TOKEN, allowed_hosts=["jobs.example.com"], origins=["https://example.org"])
    headers = {"authorization": f"Bearer {TOKEN}", "host": "jobs.example.com", "sec-fetch-site": "cross-site"}
    visitor = Visitor(site, {**headers, "origin": "https://example.org"})
    assert (await visitor.ask("GET", f"{API}/runs")).status == 200
    assert (
        await Visitor(app.asgi(token=TOKEN, allowed_hosts=["*"]), headers | {"sec-fetch-site": "none"}).ask(
            "GET", f"{API}/runs"
        )
    ).status == 200


BAD: list[tuple[str, str, object, int, str | None]] = [
    ("GET", "/runs?limit=0", None, 422, "limit"),
    ("GET", "/runs?limit=201", None, 422, "limit"),
    ("GET", "/runs?limit=many", None, 422, "limit"),
    ("GET", "/runs?limit=1&limit=2", None, 422, "limit"),
    ("GET", "/runs?state=asleep", None, 422, "state[0]"),
    ("GET", "/runs?until=null", None, 422, "until"),
    ("GET", "/runs?since=nan", None, 422, "since"),
    ("GET", "/runs?colour=red", None, 422, None),
    ("GET", "/runs?queue=no%20name", None, 422, "queue"),
    ("POST", "/runs", {"task": "nobody"}, 404, None),
    ("POST", "/runs", {"task": ""}, 422, "task"),
    ("POST", "/runs", {}, 422, None),
    ("POST", "/runs", [], 422, None),
    ("POST", "/runs", {"task": "add", "input": {"a": 1}}, 422, "b"),
    ("POST", "/runs", {"task": "add", "input": {"a": 1, "b": "x"}}, 422, "b"),
    ("POST", "/runs", {"task": "add", "input": {"self": 1, "args": 2}}, 422, None),
    ("POST", "/runs", {"task": "add", "input": {"a": 1, "b": 2}, "options": {"id": "a b"}}, 422, "options.id"),
    ("POST", "/runs", {"task": "add", "input": {"a": 1, "b": 2}, "options": {"delay": 1, "at": 2}}, 422, "at"),
    ("POST", "/runs", {"task": "add", "input": {"a": 1, "b": 2}, "options": {"delay": "soon"}}, 422, "delay"),
    ("POST", "/runs", {"task": "add", "input": {"a": 1, "b": 2}, "options": {"key": "\u0000"}}, 422, "key"),
    ("POST", "/runs", {"task": "add", "input": {"a": 1, "b": 2}, "colour": "red"}, 422, None),
    ("GET", "/runs/nobody", None, 404, None),
    ("GET", "/runs/no%20body", None, 404, "id"),
    ("GET", "/runs/%00", None, 404, "id"),
    ("DELETE", "/runs/nobody", None, 404, None),
    ("GET", "/runs/nobody/result", None, 404, None),
    ("GET", "/runs/nobody/result?timeout=31", None, 422, "timeout"),
    ("GET", "/runs/nobody/result?timeout=-1", None, 422, "timeout"),
    ("POST", "/runs/nobody/cancel", None, 404, None),
    ("POST", "/runs/nobody/cancel", {"reason": 1}, 422, "reason"),
    ("POST", "/runs/nobody/cancel", {"reason": "x" * 1001}, 422, "reason"),
    ("POST", "/runs/nobody/redrive", None, 404, None),
    ("POST", "/runs/nobody/redrive", {"now": True}, 422, None),
    ("POST", "/runs/nobody/promote", None, 404, None),
    ("POST", "/runs/nobody/reschedule", {"delay": 1}, 404, None),
    ("POST", "/runs/nobody/reschedule", {"delay": 1, "at": 1}, 422, "at"),
    ("POST", "/runs/nobody/reschedule", {"at": -1}, 422, "at"),
    ("POST", "/runs/nobody/reprioritise", {"priority": 1}, 404, None),
    ("POST", "/runs/nobody/reprioritise", {"priority": 1001}, 422, "priority"),
    ("PUT", "/runs/nobody/input", {"input": {}}, 404, None),
    ("PUT", "/runs/nobody/input", {"input": []}, 422, "input"),
    ("DELETE", "/runs/nobody/log", None, 404, None),
    ("GET", "/runs/nobody/log", None, 404, None),
    ("GET", "/runs/nobody/log?after=-1", None, 422, "after"),
    ("GET", "/runs/nobody/attempts", None, 404, None),
    ("GET", "/runs/nobody/stream", None, 404, None),
    ("GET", "/runs/nobody/stream?after=x", None, 422, "after"),
    ("POST", "/graphs", {"blueprint": "nobody"}, 404, None),
    ("POST", "/graphs", {"blueprint": "no blueprint"}, 422, "blueprint"),
    ("POST", "/graphs", {}, 422, None),
    ("POST", "/graphs", {"blueprint": "known", "context": []}, 422, "context"),
    ("POST", "/graphs", {"blueprint": "known", "options": {"id": "a b"}}, 422, "options.id"),
    ("POST", "/graphs", {"blueprint": "known", "nodes": []}, 422, None),
    ("GET", "/runs/nobody/graph", None, 404, None),
    ("GET", "/runs/nobody/graph?at=0", None, 422, "at"),
    ("GET", "/runs/nobody/events", None, 404, None),
    ("GET", "/runs/nobody/events?limit=201", None, 422, "limit"),
    ("GET", "/runs/nobody/events?after=-1", None, 422, "after"),
    ("POST", "/runs/nobody/rerun", {"node": "a"}, 404, None),
    ("POST", "/runs/nobody/rerun", {"node": "a b"}, 422, "node"),
    ("POST", "/runs/nobody/rerun", None, 422, None),
    ("POST", "/runs/nobody/rollback", {"node": "a"}, 404, None),
    ("POST", "/runs/nobody/rollback", {"node": "a", "input": 1}, 422, None),
    ("POST", "/runs/nobody/signals/go", {"payload": 1}, 404, None),
    ("POST", "/runs/nobody/signals/no%20name", {}, 404, "signal"),
    ("POST", "/runs/nobody/tickets", {"signal": "go"}, 404, None),
    ("POST", "/runs/nobody/tickets", {"signal": "go", "seconds": 0}, 422, "seconds"),
    ("POST", "/runs/nobody/tickets", {}, 422, None),
    ("POST", "/tickets/abc", {}, 404, None),
    ("POST", "/dispatch/nightly", {"task": "add", "at": 1}, 401, None),
    ("POST", "/queues/no%20name/pause", None, 404, "queue"),
    ("POST", "/queues/no%20name/resume", None, 404, "queue"),
    ("POST", "/queues/no%20name/drain", {}, 404, "queue"),
    ("POST", "/queues/mail/drain", {"delayed": 1}, 422, "delayed"),
    ("POST", "/queues/mail/clean", {"older_than": 1, "state": []}, 422, "state"),
    ("POST", "/queues/mail/clean", {"older_than": "soon", "state": ["failed"]}, 422, "older_than"),
    ("GET", "/queues?limit=3", None, 422, None),
    ("GET", "/dead?limit=0", None, 422, "limit"),
    ("POST", "/dead/redrive", None, 422, "ids"),
    ("POST", "/dead/redrive", {"ids": ["a"], "all": True}, 422, "ids"),
    ("POST", "/dead/redrive", {"ids": ["a"] * 201}, 422, "ids"),
    ("GET", "/workers?x=1", None, 422, None),
    ("GET", "/definitions?x=1", None, 422, None),
    ("GET", "/limits?x=1", None, 422, None),
    ("PUT", "/limits/api", {"n": -1}, 422, "n"),
    ("PUT", "/limits/api", {"n": 1, "period": 0}, 422, "period"),
    ("PUT", "/limits/api", {"n": 1, "full": "explode"}, 422, "full"),
    ("DELETE", "/limits/nobody", None, 404, None),
    ("POST", "/limits/no%20name/pause", None, 404, "limit"),
    ("POST", "/limits/no%20name/resume", None, 404, "limit"),
    ("GET", "/schedules?x=1", None, 422, None),
    ("POST", "/schedules/no%20name/pause", None, 404, "schedule"),
    ("POST", "/schedules/no%20name/resume", None, 404, "schedule"),
    ("DELETE", "/schedules/nobody", None, 404, None),
    ("GET", "/schedules/nobody", None, 404, None),
    ("GET", "/schedules?limit=201", None, 422, "limit"),
    ("PUT", "/schedules/s", {"task": "add", "input": {"a": 1, "b": 2}}, 422, "cron"),
    ("PUT", "/schedules/s", {"task": "add", "input": {"a": 1, "b": 2}, "cron": "never"}, 422, "cron"),
    ("PUT", "/schedules/s", {"task": "add", "input": {"a": 1}, "every": 60}, 422, "b"),
    ("PUT", "/schedules/s", {"task": "nothing", "every": 60}, 404, None),
    ("PUT", "/schedules/s", {"task": "add", "every": 60, "sometimes": True}, 422, None),
    ("PATCH", "/schedules/nobody", {"every": 60}, 404, None),
    ("PATCH", "/schedules/s", {"input": {"a": 1}}, 422, "task"),
    ("POST", "/schedules/nobody/pause", None, 404, None),
    ("POST", "/schedules/nobody/trigger", None, 404, None),
    ("POST", "/schedules/nobody/backfill", {"start": 0, "end": 1}, 404, None),
    ("POST", "/schedules/s/backfill", {"start": 0, "end": 1e9}, 422, "end"),
    ("GET", "/metrics?last=soon", None, 422, "last"),
    ("GET", "/metrics?last=8d", None, 422, "last"),
    ("GET", "/metrics?task=a%20b", None, 422, "task"),
    ("POST", "/reconcile", {"older_than": -1}, 422, "older_than"),
    ("GET", "/info?x=1", None, 422, None),
    ("GET", "/health?x=1", None, 422, None),
    ("GET", "/openapi.json?x=1", None, 422, None),
    ("GET", "/nothing", None, 404, None),
    ("PATCH", "/runs", None, 405, None),
    ("TRACE", "/runs/nobody", None, 405, None),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "parameter"), BAD, ids=[f"{n}" for n in range(len(BAD))])
async def test_bad_input_is_a_problem_that_names_it(
    visitor: Visitor, method: str, path: str, body: object, status: int, parameter: str | None
) -> None:
    answer = await visitor.ask(method, API + path, body)
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    if parameter is not None:
        assert answer.document["parameter"] == parameter


async def test_a_place_that_no_page_has_named_is_refused(visitor: Visitor) -> None:
    await visitor.ask("POST", f"{API}/runs", {"task": "add", "input": {"a": 1, "b": 2}})
    answer = await visitor.ask("GET", f"{API}/runs?after=elsewhere")
    check_problem(answer, 422, "invalid")
    assert answer.document["parameter"] == "after"


async def test_every_address_has_bad_input_above(visitor: Visitor) -> None:
    described: dict[str, dict[str, object]] = (await visitor.ask("GET", f"{API}/openapi.json")).document["paths"]
    tried = [(method, API + path.partition("?")[0]) for method, path, *_ in BAD]
    untried = [
        (method, path)
        for path, operations in described.items()
        for method in operations
        if not any(
            method == kind.lower() and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), place) for kind, place in tried
        )
    ]
    assert untried == []


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"task": NaN}', "application/json", 400),
        (b'{"task": "add", "input": {"a": %s}}' % (b"[" * 70 + b"]" * 70), "application/json", 400),
        (b"[" * 200_000, "application/json", 400),
        (b"task=add", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"x" * (1_048_576 + 65_537), "application/json", 413),
    ],
    ids=["half", "bytes", "nan", "deep", "bomb", "form", "text", "large"],
)
async def test_bodies_that_are_no_json_are_refused(visitor: Visitor, raw: bytes, kind: str, status: int) -> None:
    answer = await visitor.ask("POST", f"{API}/runs", raw=raw, content_type=kind)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_a_payload_above_the_apps_limit_is_refused(app: App, visitor: Visitor) -> None:
    answer = await visitor.ask("POST", f"{API}/runs", {"task": "add", "input": {"a": 1, "b": 2, "c": "x" * 1_050_000}})
    assert answer.status in {413, 422}
    assert await app.counts() == []


@pytest.mark.parametrize(
    ("named", "parameter"),
    [
        ({"token": "short"}, "token"),
        ({"token": "with blanks in all its length"}, "token"),
        ({"secret": "short"}, "secret"),
        ({"dispatch_secret": "short"}, "dispatch_secret"),
        ({"allowed_hosts": ["jobs.example.com"]}, "allowed_hosts"),
        ({"allowed_hosts": ["*"]}, "allowed_hosts"),
        ({"stream_age": "long"}, "stream_age"),
        ({"tokn": TOKEN}, "tokn"),
    ],
)
def test_options_that_would_leave_the_door_open_are_refused(named: Any, parameter: str) -> None:
    with pytest.raises(Invalid) as refused:
        App("memory://").asgi(**named)
    assert refused.value.parameter == parameter
    assert "length" not in str(refused.value)  # no secret is repeated


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(name="starlette.applications")

    monkeypatch.setattr(surfaces, "import_module", absent)
    with pytest.raises(Invalid, match=r'pip install "penstock\[web\]"'):
        App("memory://").asgi()


async def test_a_store_that_does_not_answer_is_503(app: App, visitor: Visitor) -> None:
    await app.close()
    answer = await visitor.ask("GET", f"{API}/runs")
    check_problem(answer, 503, "closed")
    assert answer.headers["retry-after"] == "1"
    await app.open()


async def test_a_mistake_of_the_servers_tells_no_secrets(
    app: App, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise RuntimeError("the password is 123")

    monkeypatch.setattr(app, "info", broken)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    with pytest.raises(RuntimeError):  # the server logs it
        await visitor.site(visitor._scope("GET", f"{API}/info", visitor.headers), receive, send)
    assert sent[0]["status"] == 500
    assert b"123" not in sent[1]["body"]


def test_every_error_of_ours_has_a_status() -> None:
    found = [
        refusal_of(error).problem.status
        for error in (
            Cascading("r"),
            Duplicate("r", "s"),
            KeyConflict("k", "r"),
            NotFound("run", "r"),
            Purged("r"),
            Unavailable("x", applied="no"),
            UnknownTask("t"),
            WrongState("o", "r", State.RUNNING),
        )
    ]
    assert found == [409, 409, 409, 404, 410, 503, 404, 409]
