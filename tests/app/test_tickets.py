"""Links that send one signal once, made and redeemed in Python."""

from typing import Any

import pytest

from penstock import App, Invalid, NotFound, Signal, WrongState

SECRET = "a secret of enough characters"


async def test_a_ticket_is_redeemed_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_SECRET", SECRET)
    monkeypatch.setenv("PENSTOCK_PUBLIC_URL", "https://example.com/")
    run = await app.enqueue("waits", unchecked=True)
    approval = Signal("approval", bool)
    link = await app.ticket(run.id, approval)
    assert (link.run_id, link.signal) == (run.id, "approval")
    assert link.url == f"https://example.com/api/v1/tickets/{link.ticket}"
    assert await app.redeem(link.ticket, True) == run.id
    with pytest.raises(Invalid, match="not been used"):
        await app.redeem(link.ticket, True)
    [signal] = await (await app._client.store()).signals(run.id)
    assert (signal.name, signal.payload) == ("approval", b"true")


async def test_what_was_not_made_with_the_secret_is_refused(app: App) -> None:
    run = await app.enqueue("waits", unchecked=True)
    link = await app.ticket(run.id, "approval", secret="another secret of enough characters")
    for text in (link.ticket, link.ticket[:-2], "", "AAAA"):
        with pytest.raises(Invalid, match="ticket") as refused:
            await app.redeem(text, True, secret=SECRET)
        assert link.ticket not in str(refused.value)


async def test_a_ticket_for_a_run_that_is_over_or_gone_says_so(app: App) -> None:
    run = await app.enqueue("waits", unchecked=True)
    link = await app.ticket(run.id, "approval", secret=SECRET)
    await run.cancel()
    with pytest.raises(WrongState):
        await app.redeem(link.ticket, secret=SECRET)
    await run.remove()
    with pytest.raises(NotFound):
        await app.redeem(link.ticket, secret=SECRET)
    with pytest.raises(NotFound):
        await app.ticket(run.id, "approval", secret=SECRET)


@pytest.mark.parametrize(
    ("named", "parameter"),
    [({"ttl": 0}, "ttl"), ({"ttl": "91d"}, "ttl"), ({"secret": "short"}, "secret"), ({"secret": None}, "secret")],
)
async def test_what_is_refused_is_named(app: App, named: dict[str, Any], parameter: str) -> None:
    with pytest.raises(Invalid) as refused:
        await app.ticket("r", "approval", **{"secret": SECRET, **named})
    assert refused.value.parameter == parameter
    with pytest.raises(Invalid, match="signal"):
        await app.ticket("r", "a b", secret=SECRET)
