"""Blueprints said in Python become the data that one would have written."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from penstock.core.errors import Invalid, InvalidBlueprint
from penstock.core.retry import Retry
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.builder import Graph, Placed


@dataclass
class Task:
    name: str


def test_a_graph_is_said_node_after_node() -> None:
    graph = Graph("moderate", version="2", metadata={"team": "trust"})
    fetch = graph.node(Task("shop.fetch_post"))
    score = graph.node("classify@3", after=fetch, retry=5, timeout=timedelta(seconds=30), queue="models")
    graph.node("reject", after=score, when="output.score > 0.8")
    graph.node("publish", "put", after=score, when="output.score <= 0.8", inputs="shop_fetch_post.id")
    assert graph.blueprint().to_dict() == {
        "id": "moderate",
        "version": "2",
        "metadata": {"team": "trust"},
        "nodes": [
            {"id": "shop_fetch_post", "uses": "shop.fetch_post"},
            {
                "id": "classify",
                "uses": "classify@3",
                "config": {"retry": {"attempts": 5}, "timeout": 30.0, "queue": "models"},
            },
            {"id": "reject", "uses": "reject"},
            {"id": "put", "uses": "publish", "inputs": "shop_fetch_post.id"},
        ],
        "edges": [
            {"source": "shop_fetch_post", "target": "classify"},
            {"source": "classify", "target": "reject", "when": "output.score > 0.8"},
            {"source": "classify", "target": "put", "when": "output.score <= 0.8"},
        ],
    }


def test_a_node_may_come_after_several_and_have_a_fallback() -> None:
    graph = Graph("g")
    one, two = graph.node("one"), graph.node("two")
    guess = graph.node("guess")
    graph.node("both", after=[one, two], join="any", fallback=guess, if_fails="continue", limits={"gpu": ""})
    found = graph.blueprint()
    assert [(edge.source, edge.target) for edge in found.edges] == [("one", "both"), ("two", "both")]
    config = found.nodes[-1].config
    assert (config.join, config.fallback, config.if_fails, config.limits) == ("any", "guess", "continue", {"gpu": ""})


def test_a_loop_goes_from_its_first_node_to_its_last() -> None:
    graph = Graph("g")
    draft = graph.node("draft")
    review = graph.node("review", after=draft)
    start = graph.node("start")
    again = graph.loop("again", first=draft, last=review, condition="turn < 3", limit=5, after=start)
    graph.node("publish", after=again)
    found = graph.blueprint()
    assert found.nodes[3].params == {"condition": "turn < 3", "limit": 5}
    assert [(edge.source, edge.target, edge.action) for edge in found.edges] == [
        ("draft", "review", None),
        ("start", "again", None),
        ("again", "draft", "continue"),
        ("review", "again", None),
        ("again", "publish", None),
    ]


def test_built_in_kinds_have_methods_of_their_own() -> None:
    graph = Graph("g")
    graph.batch("resize", concurrency=5, chunk=10, tolerance="10%", params={"size": 3}, retry=2)
    graph.batch(Task("label"), "labels")
    below = Blueprint(id="below", version="2", nodes=())
    graph.subgraph(below, inputs={"a": "x"})
    graph.wait("ask", signal="verdict", timeout="7d")
    graph.sleep(timedelta(hours=1))
    graph.webhook("hook", ttl="1h")
    assert [(node.id, node.uses, node.params) for node in graph.blueprint().nodes] == [
        (
            "resize",
            "batch",
            {"each": "resize", "concurrency": 5, "chunk": 10, "params": {"size": 3}, "tolerance": "10%"},
        ),
        ("labels", "batch", {"each": "label"}),
        ("below", "subgraph", {"blueprint": "below@2", "inputs": {"a": "x"}}),
        ("ask", "wait", {"signal": "verdict", "timeout": "7d"}),
        ("sleep", "sleep", {"duration": 3600.0}),
        ("hook", "webhook", {"ttl": "1h"}),
    ]


def test_a_policy_of_retries_is_kept_as_far_as_data_can_say_it() -> None:
    graph = Graph("g")
    graph.node("a", retry=Retry(5, delay="2s", backoff="fixed", jitter=0))
    retry = graph.blueprint().nodes[0].config.retry
    assert retry is not None
    assert (retry.attempts, retry.delay, retry.backoff, retry.jitter, retry.cap) == (5, 2.0, "fixed", 0, None)
    for odd in (Retry(on=OSError), Retry(never=KeyError), Retry(backoff=lambda n, _: n)):
        with pytest.raises(Invalid, match="on the task instead"):
            graph.node("b", retry=odd)


def test_all_that_is_wrong_is_told_at_the_end_and_at_once() -> None:
    """S0-05, S0-07"""
    graph = Graph("g")
    graph.node("a")
    graph.node("a", after="nobody", when="1 +")
    with pytest.raises(InvalidBlueprint) as caught:
        graph.blueprint()
    assert len(caught.value.problems) == 3
    assert len(graph.blueprint(check=False).nodes) == 2
    with pytest.raises(InvalidBlueprint, match="there are no nodes"):
        Graph("empty").blueprint()


def test_what_a_graph_returns_is_what_others_come_after() -> None:
    graph = Graph("g")
    assert graph.node("a") == Placed("a")
    graph.node("b", after="a")
    graph.edge("a", Placed("b"), action="x", transform="1")
    assert len(graph.blueprint().edges) == 2
