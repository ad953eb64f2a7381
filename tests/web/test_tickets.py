"""Links that work once, and ticks from elsewhere: signed, bounded in time, and worth nothing if anything is changed."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

import penstock
from penstock import App, Context, Invalid, Link, Token
from penstock.app.signatures import signature
from penstock.app.tickets import Tickets
from tests.web.conftest import DISPATCH_SECRET, SECRET
from tests.web.visitor import Visitor

API = "/api/v1"
ELSEWHERE = ("192.0.2.7", 1)


async def made(app: App, visitor: Visitor, **more: object) -> tuple[str, dict[str, Any]]:
    run = await app.enqueue("waits", unchecked=True)
    answer = await visitor.ask("POST", f"{API}/runs/{run.id}/tickets", {"signal": "approval", **more})
    assert answer.status == 201
    return run.id, answer.document


async def mailbox(app: App, run_id: str) -> list[tuple[str, Any]]:
    store = await app._client.store()
    return [(one.name, msgspec.json.decode(one.payload)) for one in await store.signals(run_id)]


async def test_a_ticket_sends_its_signal_once_from_anywhere(app: App, visitor: Visitor) -> None:
    run_id, ticket = await made(app, visitor)
    assert ticket["url"] == f"http://localhost{API}/tickets/{ticket['ticket']}"
    stranger = Visitor(visitor.site, {"sec-fetch-site": "cross-site"}, peer=ELSEWHERE)
    answer = await stranger.ask("POST", f"{API}/tickets/{ticket['ticket']}", {"yes": True})
    assert (answer.status, answer.document) == (202, {"run_id": run_id, "signal": "approval"})
    again = await stranger.ask("POST", f"{API}/tickets/{ticket['ticket']}", {"yes": False})
    assert (again.status, again.document["type"]) == (409, "urn:penstock:problem:used-ticket")
    assert await mailbox(app, run_id) == [("approval", {"yes": True})]


async def test_two_tickets_are_two_messages(app: App, visitor: Visitor) -> None:
    run_id, first = await made(app, visitor)
    second = (await visitor.ask("POST", f"{API}/runs/{run_id}/tickets", {"signal": "other"})).document
    for number, ticket in enumerate([first, second]):
        assert (await visitor.ask("POST", f"{API}/tickets/{ticket['ticket']}", number)).status == 202
    assert sorted(await mailbox(app, run_id)) == [("approval", 0), ("other", 1)]


async def test_a_ticket_that_is_over_does_nothing(app: App, visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, ticket = await made(app, visitor, seconds=60)
    monkeypatch.setattr(time, "time", lambda: ticket["expires_at"] + 0.001)
    assert (await visitor.ask("POST", f"{API}/tickets/{ticket['ticket']}")).status == 404
    assert await mailbox(app, run_id) == []


async def test_a_ticket_that_was_changed_or_made_elsewhere_does_nothing(app: App, visitor: Visitor) -> None:
    run_id, ticket = await made(app, visitor)
    text: str = ticket["ticket"]
    forged = [
        Tickets("another secret altogether").make(run_id, "approval", 60)[0],
        text[:-1],
        text + "A",
        "A" * 43,
        "A",
    ]
    forged += [
        text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :] for place in range(0, len(text), 7)
    ]
    for one in forged:
        answer = await visitor.ask("POST", f"{API}/tickets/{one}", True)
        assert answer.status == 404, one
    assert await mailbox(app, run_id) == []
    assert (await visitor.ask("POST", f"{API}/tickets/{text}", raw=b"{")).status == 400
    assert (await visitor.ask("POST", f"{API}/tickets/{text}", raw=b"x" * 1_200_000)).status == 413
    assert (await visitor.ask("POST", f"{API}/tickets/{text}")).status == 202  # none of these has used it
    assert await mailbox(app, run_id) == [("approval", None)]


async def test_a_ticket_for_a_token_resolves_it_once(app: App, visitor: Visitor) -> None:
    """As a link, as a ticket that the app redeems, or directly: the first answer stands, and the workflow hears it."""
    links: list[Link] = []

    @app.step
    async def hand_out(token: Token[int], *, ctx: Context = penstock.inject()) -> None:
        links.extend([await app.ticket(ctx.run_id, token, secret=SECRET) for _ in range(2)])

    @app.workflow
    async def asks() -> int:
        token = await penstock.token(int)
        await hand_out(token)
        return await penstock.wait(token)

    async with app.worker():
        run = await asks.enqueue()
        async with asyncio.timeout(30):
            while not links:  # noqa: ASYNC110 (the step's end rings nobody)
                await asyncio.sleep(0.01)
        stranger = Visitor(visitor.site, peer=ELSEWHERE)
        assert (await stranger.ask("POST", links[0].url, 7)).status == 202
        assert await run.result(timeout="30s") == 7
    for link in links:
        assert (await stranger.ask("POST", link.url, 8)).status == 409


TOKEN = f"token.{'x' * 24}"


async def test_a_ticket_for_a_token_is_redeemed_by_the_app(app: App) -> None:
    run = await app.enqueue("waits", unchecked=True)
    link = await app.ticket(run.id, TOKEN, secret=SECRET)
    assert await app.redeem(link.ticket, "yes", secret=SECRET) == run.id
    assert await mailbox(app, run.id) == [(TOKEN, {"value": "yes"})]
    other = await app.ticket(run.id, TOKEN, secret=SECRET)
    with pytest.raises(Invalid, match="not been used"):
        await app.redeem(other.ticket, "no", secret=SECRET)


async def test_a_ticket_for_a_run_that_is_over_says_so(app: App, visitor: Visitor) -> None:
    run_id, ticket = await made(app, visitor)
    await app.run(run_id).cancel()
    assert (await visitor.ask("POST", f"{API}/tickets/{ticket['ticket']}", True)).status == 409
    await app.run(run_id).remove()
    assert (await visitor.ask("POST", f"{API}/tickets/{ticket['ticket']}", True)).status == 404


async def test_a_public_url_is_what_tickets_name(app: App) -> None:
    visitor = Visitor(app.asgi(secret=SECRET, public_url="https://example.com/p/"))
    _, ticket = await made(app, visitor)
    assert ticket["url"].startswith(f"https://example.com/p{API}/tickets/")


async def test_without_secrets_there_are_neither_tickets_nor_dispatch(app: App) -> None:
    visitor = Visitor(app.asgi())
    for path in ("/runs/r/tickets", "/tickets/abc", "/dispatch/nightly"):
        assert (await visitor.ask("POST", API + path, {})).status == 404


async def test_a_signal_by_those_who_may_use_the_api(app: App, visitor: Visitor) -> None:
    run = await app.enqueue("waits", unchecked=True)
    for _ in range(2):
        answer = await visitor.ask("POST", f"{API}/runs/{run.id}/signals/go", {"payload": [1], "once": "a"})
        assert answer.status == 202
    assert await mailbox(app, run.id) == [("go", [1])]


TICK = {"task": "add", "at": 1_700_000_000.5, "input": {"a": 1, "b": 2}}
BEARER = {"authorization": f"Bearer {DISPATCH_SECRET}"}


async def test_a_tick_that_comes_twice_is_one_run(app: App, visitor: Visitor) -> None:
    """S2-42."""
    stranger = Visitor(visitor.site, BEARER, peer=ELSEWHERE)
    first = await stranger.ask("POST", f"{API}/dispatch/nightly", TICK)
    again = await stranger.ask("POST", f"{API}/dispatch/nightly", TICK)
    assert (first.status, again.status) == (201, 200)
    assert first.document["id"] == again.document["id"]
    later = await stranger.ask("POST", f"{API}/dispatch/nightly", {**TICK, "at": 1_700_000_060})
    other = await stranger.ask("POST", f"{API}/dispatch/hourly", TICK)
    assert len({first.document["id"], later.document["id"], other.document["id"]}) == 3
    (stored,) = await (await app._client.store()).get([first.document["id"]])
    assert stored is not None
    assert (stored.schedule, stored.nominal_at) == ("nightly", TICK["at"])
    async with app.worker():
        assert await app.run(stored.id).result(timeout=20) == 3


async def test_a_tick_may_be_signed_instead(app: App, visitor: Visitor) -> None:
    body, now = msgspec.json.encode(TICK), int(time.time())
    secret = DISPATCH_SECRET.encode()
    good = signature(secret, now, body)
    bad = [
        "",
        "t=,v1=",
        good + "0",
        good.upper(),
        good.replace(f"t={now}", f"t={now + 1}"),
        signature(secret, now - 301, body),
        signature(secret, now + 310, body),
        signature(b"wrong", now, body),
        signature(secret, now, body + b" "),
        f"t={'9' * 30},v1=0",
    ]
    for one in bad:
        answer = await visitor.ask("POST", f"{API}/dispatch/nightly", raw=body, penstock_signature=one)
        assert answer.status == 401, one
    assert await app.counts() == []
    answer = await visitor.ask("POST", f"{API}/dispatch/nightly", raw=body, penstock_signature=good)
    assert answer.status == 201


@pytest.mark.parametrize("given", ["", "Bearer wrong", f"Basic {DISPATCH_SECRET}", f"Bearer {SECRET}", "Bearer \xe9"])
async def test_a_wrong_secret_starts_nothing(app: App, visitor: Visitor, given: str) -> None:
    """S2-48."""
    answer = await visitor.ask("POST", f"{API}/dispatch/nightly", TICK, authorization=given)
    assert answer.status == 401
    assert await app.counts() == []


@pytest.mark.parametrize(
    ("tick", "status"),
    [
        ({**TICK, "task": "nobody"}, 404),
        ({**TICK, "input": {"a": 1}}, 422),
        ({**TICK, "at": -1}, 422),
        ({**TICK, "at": "now"}, 422),
        ({"task": "add"}, 422),
        ([], 422),
    ],
    ids=["task", "input", "past", "text", "no moment", "list"],
)
async def test_a_tick_that_says_nothing_sensible_starts_nothing(
    app: App, visitor: Visitor, tick: object, status: int
) -> None:
    answer = await visitor.ask("POST", f"{API}/dispatch/nightly", tick, authorization=BEARER["authorization"])
    assert answer.status == status
    assert await app.counts() == []
