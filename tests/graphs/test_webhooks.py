"""Webhooks in graphs: a URL that works once and for a while; what is posted there goes on along its action's edges."""

from typing import Any

import pytest

from penstock import App, Graph, Invalid, InvalidBlueprint, NodeOutcome, RunFailed, State, Stepper
from penstock.app import tickets
from penstock.models.graph.events import Await, Failed, Finished, Signalled, TimedOut, Woke
from penstock.testing import Rehearsal
from tests.graphs.walk import BROKEN, Walk, blueprint, edge
from tests.web.conftest import SECRET

LONG = "60s"
PUBLIC = "https://example.org/"


@pytest.fixture(autouse=True)
def site(monkeypatch: pytest.MonkeyPatch) -> None:
    """What workers know of the served app."""
    monkeypatch.setenv("PENSTOCK_SECRET", SECRET)
    monkeypatch.setenv("PENSTOCK_PUBLIC_URL", PUBLIC)


async def work(app: App) -> None:
    """Carry out all that is ready."""
    await app.worker(burst=True, concurrency=5).run()


def ticket_in(url: object) -> str:
    """The ticket, from an address as it should be."""
    base, _, ticket = str(url).rpartition("/")
    assert base == "https://example.org/api/v1/tickets"
    return ticket


async def test_what_is_posted_goes_on_along_its_action(app: App) -> None:
    @app.task
    async def take(data: Any) -> Any:
        return data

    graph = app.graph("pay")
    hook = graph.webhook("paid", ttl="1h", waits=True)
    graph.node(take, "ship", after=hook, action="ok")
    graph.node(take, "dun", after=hook)
    run = await app.start(graph)
    await work(app)
    standing = (await run.nodes())["paid"]
    assert standing.status == "running"
    why = await run.why()
    assert why is not None
    assert why.reason == "signal"
    ticket = ticket_in(standing.url)
    assert await app.redeem(ticket, {"action": "ok", "cents": 5}) == run.id
    with pytest.raises(Invalid, match="has not been used"):
        await app.redeem(ticket, {"action": "no"})
    await work(app)
    result = await run.result(LONG)
    assert result.outputs == {"paid": {"action": "ok", "cents": 5}, "ship": {"action": "ok", "cents": 5}}
    assert (result.nodes["dun"].status, result.nodes["paid"].url) == ("skipped", standing.url)
    opened, waiting = (one for one in await run.events() if one.kind in {"node.opened", "node.waiting"})
    assert opened.data == {"url": standing.url, "signal": "paid"}
    assert waiting.until_at == pytest.approx(waiting.at + 3600)


async def test_a_url_can_be_told_by_a_node_and_waited_for_later(app: App) -> None:
    told: list[str] = []

    @app.task
    async def tell(hook: dict[str, str]) -> None:
        told.append(hook["url"])

    graph = app.graph("told")
    graph.wait("answer", after=graph.node(tell, after=graph.webhook("hook", signal="answer")))
    run = await app.start(graph)
    await work(app)
    assert tickets.Tickets(SECRET).read(ticket_in(told[0])) is not None
    await app.redeem(ticket_in(told[0]), "yes")  # also before the wait is there
    await work(app)
    assert (await run.result(LONG)).outputs["answer"] == "yes"


async def test_a_worker_that_can_not_sign_fails_the_node(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_SECRET")
    graph = app.graph("unsigned")
    graph.webhook("hook")
    run = await app.start(graph)
    await work(app)
    with pytest.raises(RunFailed, match=r"node hook: .*PENSTOCK_SECRET"):
        await run.result(LONG)


async def test_its_time_is_over_at_once_for_the_url_and_the_wait(stage: Rehearsal, rehearsed: App) -> None:
    app = rehearsed

    @app.task
    async def late(data: Any) -> str:
        return "late"

    hook = {"id": "hook", "uses": "webhook", "params": {"ttl": "1h", "waits": True}}
    other = {"id": "other", "uses": "webhook", "params": {"ttl": "2h", "waits": True}, "config": {"if_fails": "ignore"}}
    run = await app.start(
        blueprint([hook, other, {"id": "late", "uses": "late"}], edge("hook", "late", action="timeout"))
    )
    await stage.drain()
    await stage.advance("59m")
    assert (await run.status()).state is State.WAITING
    await stage.advance("1h5m")
    result = await run.result(0)
    assert result.outputs["late"] == "late"
    error = result.nodes["other"].error
    assert error is not None
    assert error.type == "penstock.WaitTimeout"


def test_a_webhook_that_waits_dry() -> None:
    hook = {"id": "hook", "uses": "webhook", "params": {"waits": True}}
    plan = blueprint([hook, "yes", "late"], edge("hook", "yes"), edge("hook", "late", action="timeout"))
    walk = Walk(plan)
    assert walk.started("hook").ttl == 7 * 86_400
    with pytest.raises(Invalid, match="event"):
        walk.planner.feed(Signalled(key="hook"))
    (waits,) = walk.planner.feed(Finished(key="hook", output={"url": "u", "signal": "hook"}))
    assert waits == Await(key="hook", node="hook", signal="hook", timeout=7 * 86_400.0)
    for wrong in (Woke(key="hook"), Finished(key="hook", output={"url": "u"})):
        with pytest.raises(Invalid, match="event"):
            walk.planner.feed(wrong)
    walk.planner.feed(TimedOut(key="hook"))
    assert walk.planner.state.nodes["late"].status == "running"
    failing = Walk(plan)
    failing.planner.feed(Failed(key="hook", error=BROKEN))
    assert failing.planner.state.status == "failed"


def test_a_stepper_answers_a_webhook_that_waits() -> None:
    graph = Graph("g")
    hook = graph.webhook("hook", waits=True)
    graph.node("yes", after=hook, action="ok")
    step = Stepper(graph.blueprint(), {"hook": NodeOutcome({"n": 1}, "ok"), "yes": lambda given, _: given})
    assert step.run().outputs == {"hook": {"n": 1}, "yes": {"n": 1}}
    step = Stepper(graph.blueprint())
    assert [step.next(), step.next(), step.waiting] == [["hook"], [], ["hook"]]
    step.signal("hook", 5, action="ok")
    assert step.run().outputs == {"hook": 5, "yes": None}


@pytest.mark.parametrize("ttl", ["91d", 0, -1, "soon"])
def test_a_life_that_no_url_has_is_refused(ttl: object) -> None:
    with pytest.raises(InvalidBlueprint, match="ttl="):
        blueprint([{"id": "hook", "uses": "webhook", "params": {"ttl": ttl}}]).check()
