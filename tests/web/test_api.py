"""What the API does for those who may use it."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from penstock import App, Context, Never, State, inject
from tests.web.visitor import Visitor

API = "/api/v1"


async def new_run(visitor: Visitor, **options: object) -> str:
    answer = await visitor.ask("POST", f"{API}/runs", {"task": "add", "input": {"a": 1, "b": 2}, "options": options})
    assert answer.status in {200, 201}, answer.body
    found: str = answer.document["id"]
    return found


async def document(visitor: Visitor, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
    answer = await visitor.ask(method, API + path, body)
    assert answer.status == status, answer.body
    return answer.document


async def test_a_run_is_stored_shown_and_awaited(app: App, visitor: Visitor) -> None:
    """S4-08, S4-15: a wait that is over before the run ends only itself."""
    run_id = await new_run(visitor, tags=["eu"], priority=3)
    shown = await document(visitor, "GET", f"/runs/{run_id}")
    assert (shown["state"], shown["input"], shown["priority"]) == ("queued", {"a": 1, "b": 2}, 3)
    assert shown["why"]["reason"] == "no_worker"
    early = await visitor.ask("GET", f"{API}/runs/{run_id}/result?timeout=0")
    assert (early.status, early.document["state"], early.headers["retry-after"]) == (202, "queued", "1")
    asking = asyncio.create_task(document(visitor, "GET", f"/runs/{run_id}/result?timeout=20"))
    async with app.worker():
        assert (await asking)["result"] == 3
    shown = await document(visitor, "GET", f"/runs/{run_id}")
    assert "why" not in shown


async def test_a_key_stands_for_one_run(visitor: Visitor) -> None:
    """S4-11, S4-13: the same again is answered with 200, other input with 409."""
    body = {"task": "add", "input": {"a": 1, "b": 2}, "options": {"key": "k"}}
    first = await visitor.ask("POST", f"{API}/runs", body)
    again = await visitor.ask("POST", f"{API}/runs", body)
    assert (first.status, again.status) == (201, 200)
    assert first.document["id"] == again.document["id"]
    other = await visitor.ask("POST", f"{API}/runs", {**body, "input": {"a": 2, "b": 2}})
    assert (other.status, other.document["type"]) == (409, "urn:penstock:problem:key-conflict")


async def test_a_run_whose_id_has_slashes_is_one_part_of_the_path(visitor: Visitor) -> None:
    for run_id in ("tenant/7", "a/cancel", "x@y:z"):
        assert await new_run(visitor, id=run_id) == run_id
        shown = await document(visitor, "GET", f"/runs/{quote(run_id, safe='')}")
        assert shown["id"] == run_id
        done = await document(visitor, "POST", f"/runs/{quote(run_id, safe='')}/cancel", {"reason": "enough"})
        assert done == {"cancelled": True}


async def test_pages_bring_each_run_once(visitor: Visitor) -> None:
    """S4-18."""
    ids = [await new_run(visitor, tags=["odd"] if n % 2 else []) for n in range(7)]
    seen: list[str] = []
    query = "?limit=3"
    while True:
        page = await document(visitor, "GET", f"/runs{query}")
        assert len(page["items"]) <= 3
        seen += [run["id"] for run in page["items"]]
        if page["after"] is None:
            break
        query = f"?limit=3&after={quote(page['after'])}"
    assert sorted(seen) == sorted(ids)
    odd = await document(visitor, "GET", "/runs?tag=odd&state=queued&state=failed")
    assert {run["id"] for run in odd["items"]} == set(ids[1::2])
    assert (await document(visitor, "GET", "/runs?state=failed"))["items"] == []


async def test_runs_are_steered(app: App, visitor: Visitor) -> None:
    run_id = await new_run(visitor, delay="1h")
    assert (await document(visitor, "POST", f"/runs/{run_id}/promote"))["state"] == "queued"
    assert (await visitor.ask("POST", f"{API}/runs/{run_id}/promote")).status == 409
    assert (await visitor.ask("POST", f"{API}/runs/{run_id}/redrive")).status == 409
    assert await document(visitor, "POST", f"/runs/{run_id}/cancel", {"reason": "enough"}) == {"cancelled": True}
    assert await document(visitor, "POST", f"/runs/{run_id}/cancel") == {"cancelled": False}
    assert (await document(visitor, "GET", f"/runs/{run_id}"))["reason"] == "enough"
    assert (await document(visitor, "POST", f"/runs/{run_id}/redrive"))["life"] == 2
    assert (await visitor.ask("DELETE", f"{API}/runs/{run_id}")).status == 204
    assert (await visitor.ask("DELETE", f"{API}/runs/{run_id}")).status == 404
    assert [one.n for one in await app.counts()] == []


async def test_a_running_run_is_told_to_end(app: App, visitor: Visitor) -> None:
    """S2-34: its code hears of it, and it is not tried again."""
    told: list[bool] = []
    begun = asyncio.Event()

    @app.task(name="waits")
    async def waits(*, ctx: Context = inject()) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append(bool(ctx.cancelled))

    run = await waits.enqueue()
    async with app.worker():
        await begun.wait()
        assert await document(visitor, "POST", f"/runs/{run.id}/cancel", {"reason": "enough"}) == {"cancelled": True}
        ended = await document(visitor, "GET", f"/runs/{run.id}/result?timeout=20")
    assert (ended["state"], ended["reason"], ended["failures"], told) == ("cancelled", "enough", 0, [True])


async def test_it_may_be_mounted_beside_others(app: App) -> None:
    site = Starlette(routes=[Mount("/jobs", app.asgi(secret="s" * 16))])
    visitor = Visitor(site)
    run = await app.named("add").opts(id="a/b").enqueue(1, 2)
    answer = await visitor.ask("GET", f"/jobs{API}/runs/a%2Fb")
    assert (answer.status, answer.document["id"]) == (200, run.id)
    ticket = (await visitor.ask("POST", f"/jobs{API}/runs/a%2Fb/tickets", {"signal": "s"})).document
    assert ticket["url"].startswith(f"http://localhost/jobs{API}/tickets/")
    assert (await visitor.ask("POST", ticket["url"].removeprefix("http://localhost"), 1)).status == 202
    described = (await visitor.ask("GET", f"/jobs{API}/openapi.json")).document
    assert described["servers"] == [{"url": "http://localhost/jobs"}]


async def test_head_is_answered_without_a_body_or_a_wait(app: App, visitor: Visitor) -> None:
    run_id = await new_run(visitor)
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/stream"):
        assert (await visitor.ask("HEAD", API + path)).status == 200


async def test_logs_and_attempts_are_read(app: App, visitor: Visitor) -> None:
    @app.task(name="fails")
    async def fails(*, ctx: Context = inject()) -> None:
        ctx.log("trying", password="x")
        raise Never("no")

    run = await fails.enqueue()
    async with app.worker(burst=True) as worker:
        await worker.stopped()
    log = await document(visitor, "GET", f"/runs/{run.id}/log?limit=3")
    assert [line["kind"] for line in log["items"]] == ["enqueued", "claimed", "log"]
    assert log["items"][2]["data"] == {"message": "trying", "password": "[redacted]"}
    rest = await document(visitor, "GET", f"/runs/{run.id}/log?after={log['after']}")
    assert [line["kind"] for line in rest["items"]][-1] == "finished"
    attempts = await document(visitor, "GET", f"/runs/{run.id}/attempts")
    assert attempts["items"][0]["number"] == 1


async def test_queues_are_listed_paused_and_resumed(app: App, visitor: Visitor) -> None:
    await new_run(visitor, queue="mail")
    paused = await document(visitor, "POST", "/queues/mail/pause")
    assert paused == {"queue": "mail", "paused": True}
    listed = await document(visitor, "GET", "/queues")
    assert listed["items"] == [{"queue": "mail", "paused": True, "workers": 0, "runs": {"queued": 1}, "capped": []}]
    await document(visitor, "POST", "/queues/mail/resume")
    assert not (await document(visitor, "GET", "/queues"))["items"][0]["paused"]
    assert await app.paused() == []


@pytest.mark.parametrize("how", [{"ids": ["r1"]}, {"name": "letters"}, {"all": True}], ids=["ids", "name", "all"])
async def test_dead_letters_are_listed_and_redriven(app: App, visitor: Visitor, how: Mapping[str, object]) -> None:
    @app.task(name="fails", dead_letter="letters")
    async def fails() -> None:
        raise Never("no")

    await fails.opts(id="r1").enqueue()
    async with app.worker(burst=True) as worker:
        await worker.stopped()
    assert [run["id"] for run in (await document(visitor, "GET", "/dead?name=letters"))["items"]] == ["r1"]
    assert await document(visitor, "POST", "/dead/redrive", how) == {"redriven": 1}
    assert (await app.run("r1").status()).state is State.QUEUED
    assert (await document(visitor, "GET", "/dead"))["items"] == []


async def test_workers_definitions_limits_and_the_store_are_shown(app: App, visitor: Visitor) -> None:
    async with app.worker(name="one"):
        (worker,) = (await document(visitor, "GET", "/workers"))["items"]
        assert (worker["tasks"], worker["queues"], worker["app"]) == (["add"], ["default"], "shop")
        (definition,) = (await document(visitor, "GET", "/definitions"))["items"]
        assert (definition["task"], definition["queue"]) == ("add", "default")
        assert definition["schema"]
    stored = await document(visitor, "PUT", "/limits/api", {"n": 5, "period": 60})
    assert stored == {"name": "api", "n": 5, "period": 60.0, "full": "wait", "hold": False}
    assert (await visitor.ask("DELETE", f"{API}/limits/api")).status == 204
    assert (await visitor.ask("DELETE", f"{API}/limits/api")).status == 404
    assert (await document(visitor, "GET", "/schedules")) == {"items": [], "after": None}
    assert (await visitor.ask("DELETE", f"{API}/schedules/nightly")).status == 404
    assert (await document(visitor, "GET", "/info"))["namespace"] == "penstock"
    assert (await document(visitor, "GET", "/health")) == {"status": "ok"}


async def test_values_of_secret_fields_stay_here(app: App) -> None:
    run = await app.enqueue("nobody", unchecked=True, password="p", inner={"stripeApiKey": "k", "list": [{"iban": 1}]})
    shown = await document(Visitor(app.asgi()), "GET", f"/runs/{run.id}")
    hidden = "[redacted]"
    assert shown["input"] == {"password": hidden, "inner": {"stripeApiKey": hidden, "list": [{"iban": hidden}]}}
    shown = await document(Visitor(app.asgi(redact=["list"])), "GET", f"/runs/{run.id}")
    assert shown["input"] == {"password": "p", "inner": {"stripeApiKey": "k", "list": hidden}}


async def test_what_is_read_only_has_no_address_that_changes_anything(app: App) -> None:
    visitor = Visitor(app.asgi(read_only=True, secret="s" * 16))
    described = await document(visitor, "GET", "/openapi.json")
    assert {method for place in described["paths"].values() for method in place} == {"get"}
    assert (await visitor.ask("POST", f"{API}/runs", {"task": "add"})).status == 405
