"""Graphs over HTTP: started, read, signalled, brought back."""

from typing import Any

from penstock import App, NodeContext, inject
from tests.web.visitor import Visitor

API = "/api/v1"


def posts(app: App) -> None:
    """A graph that asks and then publishes."""

    @app.task
    async def look(post: str, *, node: NodeContext = inject()) -> str:
        node.set("api_key", post)
        node.set("size", len(post))
        return post.upper()

    @app.task
    async def publish(said: Any) -> Any:
        return said

    graph = app.graph("posts", version="1")
    ask = graph.wait("ask", after=graph.node(look))
    graph.node(publish, after=ask, action="yes", transform="outputs.look")
    graph.node(publish, "refuse", after=ask)


async def work(app: App) -> None:
    """Carry out all that is ready, and clear up behind it."""
    await app.worker(burst=True).run()
    await app.reconcile()


async def test_a_graph_is_started_read_and_signalled(app: App, visitor: Visitor) -> None:
    """S0-57, S0-68."""
    posts(app)
    body = {"blueprint": "posts@1", "input": "hello", "context": {"tenant": "a"}, "options": {"id": "this"}}
    answers = [await visitor.ask("POST", f"{API}/graphs", body) for _ in range(2)]
    assert [(one.status, one.document["id"]) for one in answers] == [(201, "this"), (200, "this")]
    before = (await visitor.ask("GET", f"{API}/runs/this/graph")).document
    assert (before["seq"], before["context"], before["nodes"]["look"]["status"]) == (0, {"tenant": "a"}, "pending")
    await work(app)
    stands = (await visitor.ask("GET", f"{API}/runs/this/graph")).document
    assert {name: one["status"] for name, one in stands["nodes"].items()} == {
        "look": "succeeded",
        "ask": "running",
        "publish": "pending",
        "refuse": "pending",
    }
    assert stands["context"] == {"tenant": "a", "api_key": "[redacted]", "size": 5}
    assert (stands["status"], stands["outputs"]) == ("running", {"look": "HELLO"})
    answer = await visitor.ask("POST", f"{API}/runs/this/signals/ask", {"payload": {"action": "yes"}})
    assert answer.status == 202
    await work(app)
    page = (await visitor.ask("GET", f"{API}/runs/this/events?limit=4")).document
    rest = (await visitor.ask("GET", f"{API}/runs/this/events?after={page['after']}")).document
    events = [*page["items"], *rest["items"]]
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert (events[-1]["kind"], rest["after"]) == ("graph.succeeded", len(events))
    changes = {change["key"]: change["value"] for one in events for change in one["changes"]}
    assert changes == {"tenant": "a", "api_key": "[redacted]", "size": 5}
    then = (await visitor.ask("GET", f"{API}/runs/this/graph?at=2")).document
    assert (then["seq"], then["nodes"]["look"]["status"]) == (2, "running")
    missing = await visitor.ask("GET", f"{API}/runs/this/graph?at={len(events) + 1}")
    assert (missing.status, missing.document["parameter"]) == (422, "seq")


async def test_a_graph_is_brought_back(app: App, visitor: Visitor) -> None:
    """S0-86."""
    posts(app)
    await visitor.ask("POST", f"{API}/graphs", {"blueprint": "posts", "input": "a", "options": {"id": "this"}})
    early = await visitor.ask("POST", f"{API}/runs/this/rerun", {"node": "look"})
    assert (early.status, early.document["type"]) == (409, "urn:penstock:problem:wrong-state")
    await work(app)
    await visitor.ask("POST", f"{API}/runs/this/signals/ask", {"payload": {"action": "yes"}})
    await work(app)
    answer = await visitor.ask("POST", f"{API}/runs/this/rerun", {"node": "publish", "input": None})
    assert (answer.status, answer.document["state"]) == (200, "queued")
    await work(app)
    stands = (await visitor.ask("GET", f"{API}/runs/this/graph")).document
    assert stands["outputs"]["publish"] is None
    never = await visitor.ask("POST", f"{API}/runs/this/rollback", {"node": "refuse"})
    assert (never.status, never.document["parameter"]) == (422, "node")
    assert (await visitor.ask("POST", f"{API}/runs/this/rollback", {"node": "ask"})).status == 200
    await work(app)
    stands = (await visitor.ask("GET", f"{API}/runs/this/graph")).document
    assert stands["nodes"]["ask"]["status"] == "running"


async def test_other_runs_are_no_graphs(app: App, visitor: Visitor) -> None:
    run = (await visitor.ask("POST", f"{API}/runs", {"task": "add", "input": {"a": 1, "b": 2}})).document
    for path in ("graph", "events"):
        answer = await visitor.ask("GET", f"{API}/runs/{run['id']}/{path}")
        assert (answer.status, answer.document["parameter"]) == (422, "run")
