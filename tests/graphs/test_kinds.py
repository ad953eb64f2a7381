"""The built-in kinds of nodes, dry: loops, batches, subgraphs, waits, sleeps, webhooks."""

from typing import Any

import pytest

from penstock.core.error_record import ErrorRecord
from penstock.core.errors import Invalid
from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.events import Cancel, Fail, Failed, Finished, Signalled, TimedOut, Woke
from tests.graphs.walk import BROKEN, Walk, begun, blueprint, edge, told


def loop(condition: str, **more: Any) -> dict[str, Any]:
    return {"id": "l", "uses": "loop", "params": {"condition": condition, **more}}


def polish(condition: str = "output == null || output < 3", **more: Any) -> Blueprint:
    return blueprint(
        ["a", loop(condition, **more), "b", "c", "z"], "a l", edge("l", "b", action="continue"), "b c", "c l", "l z"
    )


def test_a_loop_takes_turns_while_its_condition_holds() -> None:
    walk = Walk(polish("turn == 0 || output < 3"))
    assert walk.finish("a", 0) == ["l[1]/b"]
    assert walk.given("b") == 0
    assert walk.finish("l[1]/b", 1) == ["l[1]/c"]
    assert walk.finish("l[1]/c", 2) == ["l[2]/b"]
    assert walk.given("b") == 2
    walk.finish("l[2]/b")
    assert walk.finish("l[2]/c", 3) == ["z"]
    assert walk.given("z") == 3
    walk.finish("z")
    nodes = walk.result.nodes
    assert (nodes["l"].turns, nodes["l"].action, nodes["b"].status) == (2, "break", "succeeded")


def test_a_loop_that_takes_no_turn_skips_its_body() -> None:
    walk = Walk(polish("false"))
    assert walk.finish("a", "A") == ["z"]
    assert walk.given("z") == "A"
    assert walk.statuses("b", "c") == ["skipped", "skipped"]


def test_a_loop_at_its_limit_fails_and_says_so() -> None:
    walk = Walk(polish("true", limit=2))
    walk.finish("a")
    for key in ("l[1]/b", "l[1]/c", "l[2]/b", "l[2]/c"):
        walk.finish(key)
    last = walk.failure
    assert (last.node, last.error.message) == ("l", "node l failed: it took 2 turns, its limit")


def test_a_condition_of_a_loop_that_comes_to_an_error_fails_the_run() -> None:
    walk = Walk(polish("output.x"))
    walk.finish("a", 1)
    assert "loop l: condition: 'output.x' failed" in walk.failure.error.message


def test_a_turn_begins_when_all_of_the_last_one_has_ended() -> None:
    """A way that leads nowhere, and one whose join did not wait for it, belong to the turn."""
    walk = Walk(
        blueprint(
            [loop("turn < 2"), "b", "side", "slow", {"id": "j", "config": {"join": "any"}}],
            edge("l", "b", action="continue"),
            "b side",
            "b slow",
            "b j",
            "slow j",
            "j l",
        )
    )
    assert walk.finish("l[1]/b") == ["l[1]/side", "l[1]/slow", "l[1]/j"]
    assert walk.finish("l[1]/j") == []
    assert walk.finish("l[1]/side") == []
    assert walk.finish("l[1]/slow") == ["l[2]/b"]
    assert walk.finish("l[1]/slow") == []  # told again, a turn too late


def test_a_turn_without_a_way_back_is_the_last() -> None:
    walk = Walk(
        blueprint([loop("true"), "b", "z"], edge("l", "b", action="continue"), edge("b", "l", when="output"), "l z"),
        given=9,
    )
    assert walk.finish("l[1]/b", True) == ["l[2]/b"]
    assert walk.finish("l[2]/b", False) == ["z"]
    assert walk.given("z") is True


def test_a_failed_turn_bars_what_comes_after_the_loop() -> None:
    walk = Walk(
        blueprint(
            [loop("true"), {"id": "b", "config": {"if_fails": "continue"}}, "z"],
            edge("l", "b", action="continue"),
            "b l",
            "l z",
        )
    )
    walk.fail("l[1]/b")
    assert walk.statuses("l", "z") == ["barred", "barred"]
    assert walk.status == "succeeded"


def test_loops_within_loops_have_turns_within_turns() -> None:
    walk = Walk(
        blueprint(
            [
                {"id": "out", "uses": "loop", "params": {"condition": "turn < 2"}},
                {"id": "in", "uses": "loop", "params": {"condition": "turn < 2"}},
                "b",
                {"id": "f", "config": {"fallback": "g"}},
                "g",
            ],
            edge("out", "in", action="continue"),
            edge("in", "b", action="continue"),
            "b f",
            "f in",
            "in out",
        )
    )
    seen: list[str] = []
    while walk.active:
        key = walk.active[0]
        seen.append(key)
        if key.endswith("f"):
            walk.fail(key)
        else:
            walk.finish(key)
    turns = [f"out[{i}]/in[{j}]/" for i in (1, 2) for j in (1, 2)]
    assert seen == [turn + one for turn in turns for one in "bfg"]
    assert walk.status == "succeeded"


def test_a_blocked_node_holds_its_turn() -> None:
    walk = Walk(
        blueprint(
            [loop("turn < 2"), "b", {"id": "c", "config": {"if_fails": "block"}}],
            edge("l", "b", action="continue"),
            edge("l", "c", action="continue"),
            "b l",
            "c l",
        )
    )
    walk.fail("l[1]/c")
    assert walk.finish("l[1]/b") == []
    assert walk.finish("l[1]/c") == ["l[2]/b", "l[2]/c"]


def test_a_loop_whose_turns_start_nothing_is_stopped() -> None:
    inner = {"id": "in", "uses": "loop", "params": {"condition": "false"}}
    walk = Walk(
        blueprint(
            ["a", loop("true", limit=1_000_000), inner, "b"],
            "a l",
            edge("l", "in", action="continue"),
            edge("in", "b", action="continue"),
            "b in",
            "in l",
        )
    )
    walk.finish("a")
    assert walk.failure.error.message == "node l failed: its turns start nothing"


def batch(**params: Any) -> Blueprint:
    config = params.pop("config", {})
    return blueprint(
        [{"id": "m", "uses": "batch", "params": {"each": "resize", **params}, "config": config}, "z"], "m z"
    )


def test_a_batch_runs_items_within_its_bounds_and_keeps_their_order() -> None:
    """S0-77"""
    walk = Walk(batch(chunk=10, concurrency=5, params={"size": 3}), given=list(range(1, 101)))
    started, most = 0, 0
    first = walk.started("m")
    assert (first.uses, first.input, first.params, first.item) == ("resize", 5, {"size": 3}, 4)
    while walk.active and walk.active[0] != "z":
        most = max(most, len(walk.active))
        chunk = started // 10
        assert all(int(key[2:-1]) // 10 == chunk for key in walk.active)
        key = walk.active[-1]  # the last begun ends first
        walk.finish(key, int(key[2:-1]) * 2)
        started += 1
    assert (started, most) == (100, 5)
    assert walk.given("z") == [{"status": "succeeded", "output": i * 2} for i in range(100)]


@pytest.mark.parametrize(("tolerance", "bears"), [(0, 0), (1, 1), ("10%", 1), ("25%", 2), ("100%", 10)])
def test_a_batch_bears_so_many_failures_and_no_more(tolerance: Any, bears: int) -> None:
    """S0-78: positions are kept, and the item says what became of it."""
    walk = Walk(batch(tolerance=tolerance), given=list(range(10)))
    for item in range(bears):
        assert "Fail" not in told(walk.fail(f"m[{item}]"))
    if bears < 10:
        decided = walk.fail(f"m[{bears}]")
        assert decided[0] == Cancel(keys=tuple(f"m[{i}]" for i in range(bears + 1, 10)))
        assert decided[1] == Fail(node="m", error=ErrorRecord(type="OSError", message=f"item {bears}: no route"))
        return
    assert walk.given("z") == [{"status": "failed", "error": {"type": "OSError", "message": "no route"}}] * 10


def test_a_batch_that_fails_has_a_fallback_like_any_node() -> None:
    walk = Walk(
        blueprint(
            [{"id": "m", "uses": "batch", "params": {"each": "t"}, "config": {"fallback": "f"}}, "f", "z"], "m z"
        ),
        given=[1, 2, 3],
    )
    walk.finish("m[0]")
    assert told(walk.fail("m[1]")) == ["Cancel", "Start"]
    assert walk.given("f") == [1, 2, 3]
    assert walk.finish("m[2]") == []
    assert walk.finish("f", []) == ["z"]


def test_a_batch_over_nothing_is_an_empty_list_and_over_no_list_a_failure() -> None:
    """S0-79"""
    walk = Walk(batch(), given=[])
    assert walk.given("z") == []
    for odd in (None, {"a": 1}, "text", 3):
        walk = Walk(batch(), given=odd)
        last = walk.failure
        assert f"a batch goes over a list, its input is of type {type(odd).__name__}" in last.error.message


def test_only_what_is_mapped_crosses_into_a_subgraph_and_out_of_it() -> None:
    """S0-81"""
    params = {
        "blueprint": "below@2",
        "inputs": {"who": "a.user.name", "k": "key", "none": "nothing"},
        "outputs": {"sum": "add.total", "seen": "context.seen", "gone": "missing"},
    }
    walk = Walk(
        blueprint(["a", {"id": "s", "uses": "subgraph", "params": params}, "b"], "a s", "s b"),
        context={"key": 1, "secret": 2},
    )
    walk.finish("a", {"user": {"name": "ada", "password": "x"}})
    begins = walk.started("s")
    assert (begins.blueprint, begins.input) == ("below@2", None)
    assert begins.context == {"who": "ada", "k": 1, "none": None}
    below: dict[str, Any] = {
        "output": 9,
        "outputs": {"add": {"total": 3}, "hidden": 4},
        "context": {"seen": True, "more": 1},
        "nodes": {"add": {}, "hidden": {}},
    }
    walk.finish("s", below)
    assert walk.given("b") == {"sum": 3, "seen": True, "gone": None}
    assert walk.state.context == {"key": 1, "secret": 2}


def test_a_subgraph_without_maps_has_the_input_and_gives_what_it_ended_with() -> None:
    walk = Walk(blueprint([{"id": "s", "uses": "subgraph", "params": {"blueprint": "x"}}, "b"], "s b"), given=5)
    assert (walk.given("s"), walk.started("s").context) == (5, {})
    walk.finish("s", {"output": "end", "outputs": {}, "context": {}, "nodes": {}})
    assert walk.given("b") == "end"


def test_a_failed_subgraph_fails_the_node_with_the_error_below() -> None:
    """S0-81"""
    walk = Walk(blueprint([{"id": "s", "uses": "subgraph", "params": {"blueprint": "x"}}]))
    walk.fail("s")
    assert walk.decided[-1] == Fail(node="s", error=BROKEN)


def asking(*edges: dict[str, Any], **params: Any) -> Blueprint:
    return blueprint(["a", {"id": "w", "uses": "wait", "params": params}, "yes", "no", "late"], "a w", *edges)


WAYS = (edge("w", "yes", action="approve"), edge("w", "no"))


def test_a_wait_goes_on_with_the_signal_along_its_action() -> None:
    """S0-68, S0-72: what is told again changes nothing."""
    walk = Walk(asking(*WAYS, signal="verdict", timeout="7d"))
    assert walk.finish("a") == ["w"]
    begins = walk.started("w")
    assert (begins.signal, begins.timeout) == ("verdict", 7 * 86_400.0)
    walk.finish("late")
    assert walk.status == "running"
    assert begun(walk.feed(Signalled(key="w", data={"by": "eve"}, action="approve"))) == ["yes"]
    assert walk.given("yes") == {"by": "eve"}
    assert walk.feed(Signalled(key="w", action="reject")) == []


@pytest.mark.parametrize(("action", "expected"), [("approve", ["yes"]), ("reject", ["no"]), (None, ["no"])])
def test_the_action_of_a_signal_routes(action: str | None, expected: list[str]) -> None:
    walk = Walk(asking(*WAYS))
    walk.finish("a")
    assert walk.started("w").signal == "w"
    assert begun(walk.feed(Signalled(key="w", action=action))) == expected


def test_a_wait_that_is_over_takes_its_edge_or_fails() -> None:
    walk = Walk(asking(*WAYS, edge("w", "late", action="timeout"), timeout=5))
    walk.finish("a")
    assert begun(walk.feed(TimedOut(key="w"))) == ["late"]
    walk = Walk(asking(*WAYS, timeout=5))
    walk.finish("a")
    walk.feed(TimedOut(key="w"))
    assert walk.failure.error.type == "penstock.WaitTimeout"


def test_two_waits_stand_apart() -> None:
    """S0-70, S0-71: a signal for a node that does not wait is refused."""
    waits: list[Any] = [{"id": one, "uses": "wait"} for one in ("v", "w")]
    walk = Walk(blueprint([*waits, "b"], "w b"))
    walk.feed(Signalled(key="v"))
    assert (walk.status, walk.active) == ("running", ["w"])
    for event in (Signalled(key="b"), Signalled(key="x")):
        with pytest.raises(Invalid):
            walk.planner.feed(event)
    walk.feed(Signalled(key="w"))
    assert walk.active == ["b"]


def test_an_event_of_another_kind_is_refused() -> None:
    walk = Walk(
        blueprint(
            ["a", {"id": "w", "uses": "wait", "params": {}}, {"id": "s", "uses": "sleep", "params": {"duration": 1}}]
        )
    )
    for event in (Signalled(key="a"), Finished(key="w"), Signalled(key="s"), Woke(key="w"), TimedOut(key="s")):
        with pytest.raises(Invalid, match="an event of a node that uses"):
            walk.planner.feed(event)
    walk.feed(Failed(key="w", error=BROKEN))
    assert walk.status == "failed"


def test_a_sleep_passes_its_input_on() -> None:
    """S0-73, S0-74"""
    naps = [{"id": one, "uses": "sleep", "params": {"duration": "2s"}} for one in ("s", "t")]
    walk = Walk(blueprint(["a", *naps, "m", "z"], "a s", "s m", "m t", "t z"))
    walk.finish("a", "A")
    assert walk.started("s").seconds == 2.0
    assert begun(walk.feed(Woke(key="s"))) == ["m"]
    assert walk.given("m") == "A"
    assert walk.feed(Woke(key="s")) == []
    walk.finish("m", "M")
    assert begun(walk.feed(Woke(key="t"))) == ["z"]
    assert walk.given("z") == "M"


def test_a_webhook_says_its_url_and_the_wait_after_it_takes_the_signal() -> None:
    walk = Walk(
        blueprint(
            [
                {"id": "hook", "uses": "webhook", "params": {"signal": "paid", "ttl": "1h"}},
                {"id": "w", "uses": "wait", "params": {"signal": "paid"}},
            ],
            "hook w",
        )
    )
    begins = walk.started("hook")
    assert (begins.signal, begins.ttl) == ("paid", 3600.0)
    assert walk.finish("hook", {"url": "https://example.org/x", "signal": "paid"}) == ["w"]
    assert walk.started("w").signal == "paid"
