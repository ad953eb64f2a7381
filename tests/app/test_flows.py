"""Flows: trees that are stored whole, children before their parent, by builder and as plain data."""

import asyncio
from typing import Any

import pytest

from penstock import (
    App,
    AsyncTask,
    Call,
    FlowNode,
    Invalid,
    InvalidInput,
    NotFound,
    Retry,
    RunFailed,
    State,
    Unique,
    UnknownTask,
)
from penstock import options as said

SPOILED: list[tuple[dict[str, Any], str]] = [
    ({"task": "note", "inputs": {}}, "flow.inputs"),
    ({"task": "note", "opts": {"parent": {}}}, "flow.opts.parent"),
    ({"task": "note", "opts": {"queue": "other"}}, "flow.opts.queue"),
    ({"task": "note", "children": [{"task": "note", "if_fails": "ignore"}]}, "flow.children[0].if_fails"),
    ({"task": "note", "children": [{"task": "note", "opts": {"if_fails": "never"}}]}, "flow.children[0]"),
    ({"task": "note", "children": [{"task": "note", "opts": {"priority": 1.5}}]}, "flow.children[0]"),
    ({"task": "note", "children": {"task": "note"}}, "flow.children"),
    ({"task": "note", "children": [{"task": "note", "children": [7]}]}, "flow.children[0].children[0]"),
    ({"task": "note", "input": ["n"]}, "flow.input"),
    ({"queue": "other"}, "flow"),
    ({"task": "note", "opts": {"retry": {"backoff": "linear"}}}, "flow.opts.retry"),
    ({"task": "note", "opts": {"retry": {"type": "fixed"}}}, "flow.opts.retry.type"),
    ({"task": "note", "opts": {"retry": "exponential"}}, "flow.opts.retry"),
    ({"task": "note", "opts": {"if_fails": "ignore"}}, "flow"),
    ({"task": "note", "opts": {"siblings": "drop"}}, "flow"),
]


def a_task(app: App, order: list[str] | None = None) -> AsyncTask[..., str]:
    """A task that notes its runs."""

    @app.task
    async def note(n: str = "") -> str:
        if order is not None:
            order.append(n)
        return n

    return note


def places(node: FlowNode[Any]) -> Any:
    return node.run.id, [places(child) for child in node.children]


async def stored(app: App) -> int:
    return sum(one.n for one in await app.counts())


async def test_children_are_carried_out_before_their_parents(worked: App) -> None:
    """S3-01, S3-02, S3-03, B-001, B-002, B-049, B-050: three levels, two queues, ids of one's own."""
    order: list[str] = []
    note = a_task(worked, order)
    other = note.opts(queue="other")
    tree = await worked.submit(
        note.opts(id="root")
        .call("root")
        .after(other.call("left").after(note.call("left leaf")), note.call("right").after(other.call("right leaf")))
    )
    assert tree.run.id == "root"
    assert await tree.run.result(timeout="30s") == "root"
    assert order[-1] == "root"
    assert order.index("left leaf") < order.index("left")
    assert order.index("right leaf") < order.index("right")
    assert [await one.run.result() for one in tree.children] == ["left", "right"]


async def test_a_parent_waits_and_says_for_whom(app: App) -> None:
    """S3-01."""
    note = a_task(app)
    tree = await app.submit(note.call().after(note.call(), note.call()))
    assert (await tree.run.status()).state is State.WAITING
    why = await tree.run.why()
    assert why is not None
    assert (why.reason, why.detail) == ("children", tuple(child.run.id for child in tree.children))


async def test_plain_data_makes_the_same_tree(app: App) -> None:
    note = a_task(app)
    built = await app.submit(
        note.opts(id="a", queue="other", priority=3)
        .call("x")
        .after(note.opts(id="b").call().if_fails("ignore").named("first"), note.opts(id="c", retry=Retry(5)).call())
    )
    await built.run.remove()
    data = {
        "task": "note",
        "queue": "other",
        "input": {"n": "x"},
        "opts": {"id": "a", "priority": 3},
        "children": [
            {"task": "note", "opts": {"id": "b", "if_fails": "ignore", "name": "first"}},
            {"task": "note", "opts": {"id": "c", "retry": {"attempts": 5}}},
        ],
    }
    plain = await app.submit(data)
    assert places(plain) == places(built) == ("a", [("b", []), ("c", [])])
    store = await app._client.store()
    top, first, second = await store.get(["a", "b", "c"])
    assert top is not None
    assert first is not None
    assert second is not None
    assert (top.queue, top.priority, top.pending) == ("other", 3, 2)
    assert (first.name, first.if_fails, second.if_fails) == ("first", "ignore", "fail")
    assert second.options != first.options


@pytest.mark.parametrize(("data", "where"), SPOILED, ids=[where for _, where in SPOILED])
async def test_what_stands_in_a_wrong_place_is_refused(app: App, data: dict[str, Any], where: str) -> None:
    """S3-06, S3-19, S3-20, S3-23, S3-39: naming the node, nothing is stored."""
    a_task(app)
    with pytest.raises(Invalid) as caught:
        await app.submit(data)
    assert str(caught.value).startswith((f"{where}=", f"{where}:", f"{where}.")), str(caught.value)
    assert await stored(app) == 0


async def test_a_wrong_argument_names_its_node(app: App) -> None:
    """S3-06, S3-07: of several flows, too."""
    a_task(app)
    good = {"task": "note", "input": {"n": "x"}}
    with pytest.raises(InvalidInput, match=r"flow\[1\]\.children\[0\]: n=7"):
        await app.submit([good, {"task": "note", "children": [{"task": "note", "input": {"n": 7}}]}, good])
    with pytest.raises(UnknownTask, match=r"flow\.children\[0\]: no task named 'gone'"):
        await app.submit({"task": "note", "children": [{"task": "gone"}]})
    assert await stored(app) == 0


async def test_several_flows_are_stored_together_or_not_at_all(app: App) -> None:
    """S3-07, B-052: the second one's node is the child of somebody else."""
    note = a_task(app)
    await app.submit(note.call().after(note.opts(id="taken").call()))
    before = await stored(app)
    flows = [note.call().after(note.call()) for _ in range(3)]
    flows[1] = flows[1].after(note.opts(id="taken").call())
    with pytest.raises(Invalid, match=r"flow\[1\]\.after\[1\]='taken'.*detach it first"):
        await app.submit(flows)
    assert await stored(app) == before
    nodes = await app.submit([note.call("a").after(note.call("b")), note.call("c")])
    assert [len(node.children) for node in nodes] == [1, 0]


async def test_two_policies_on_one_child_are_refused(app: App) -> None:
    """S3-19."""
    note = a_task(app)
    with pytest.raises(Invalid, match=r"'ignore'.*it is continue already"):
        note.call().if_fails("continue").if_fails("ignore")
    with pytest.raises(Invalid, match="one of fail, block, continue, ignore, remove"):
        note.call().if_fails("explode")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_what_only_a_child_can_have_is_refused_on_a_root(app: App) -> None:
    note = a_task(app)
    for call in (note.call().if_fails("ignore"), note.call().named("x")):
        with pytest.raises(Invalid, match="said of children"):
            await app.submit(call)
        with pytest.raises(Invalid, match=r"app\.submit"):
            await app.enqueue_many([call])
    with pytest.raises(Invalid, match=r"app\.submit"):
        await app.enqueue_many([note.call().after(note.call())])
    with pytest.raises(Invalid, match="what a task's call"):
        await app.submit("note")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    with pytest.raises(Invalid, match="what a task's call"):
        note.call().after("note")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert await stored(app) == 0


async def test_a_node_with_a_key_is_refused(app: App) -> None:
    """S3-39, B-053: a childless root keeps its deduplication, also for callers at once."""
    note = a_task(app)
    unique = note.opts(unique=Unique())
    for flow in (unique.call("x").after(note.call()), note.call().after(unique.call("x"))):
        with pytest.raises(Invalid, match="no key and no unique"):
            await app.submit(flow)
    assert await stored(app) == 0
    nodes = await asyncio.gather(*(app.submit(unique.call("x")) for _ in range(5)))
    assert len({node.run.id for node in nodes}) == 1
    assert [node.run.created for node in nodes].count(True) == 1


async def test_a_tree_is_no_graph(app: App) -> None:
    note = a_task(app)
    twice = note.call()
    with pytest.raises(Invalid, match="What has several parents is no tree"):
        await app.submit(note.call().after(note.call().after(twice), twice))
    with pytest.raises(Invalid, match="another child of the same parent is named so"):
        await app.submit(note.call().after(note.call().named("x"), note.call().named("x")))
    with pytest.raises(Invalid, match="say delay="):
        await app.submit(note.opts(at=2e9).call().after(note.call()))


async def test_the_depth_of_a_flow_is_bounded(app: App) -> None:
    note = a_task(app)
    deep: Call[str] = note.call()
    data: dict[str, Any] = {"task": "note"}
    for _ in range(64):
        deep, data = note.call().after(deep), {"task": "note", "children": [data]}
    assert (await app.submit(deep)).run.created
    assert (await app.submit(data)).run.created
    for _ in range(2000):
        data = {"task": "note", "children": [data]}
    for flow in (note.call().after(deep), data):
        with pytest.raises(Invalid, match="more than 64 levels"):
            await app.submit(flow)


async def test_options_of_a_queue_apply_to_its_nodes(app: App) -> None:
    """S3-08, B-029: of several flows as well; what a node says wins."""
    note = a_task(app)
    queues = {"other": said(priority=7, tags=["bulk"]), "unused": said(priority=9)}
    other = note.opts(queue="other")
    one, two = await app.submit(
        [note.call().after(other.call()), other.opts(priority=1).call().after(note.call())], queues=queues
    )
    runs = [one.run, one.children[0].run, two.run, two.children[0].run]
    statuses = [await run.status() for run in runs]
    assert [status.priority for status in statuses] == [0, 7, 1, 0]
    assert [status.tags for status in statuses] == [(), ("bulk",), ("bulk",), ()]
    assert runs[0].id != runs[1].id
    with pytest.raises(Invalid, match="queues"):
        await app.submit(note.call(), queues={"other": {"priority": 7}})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def test_asking_twice_stores_once(app: App) -> None:
    note = a_task(app)
    flow = note.call().after(note.call(), note.call())
    first, second = await app.submit(flow), await app.submit(flow)
    assert places(first) == places(second)
    assert (first.run.created, second.run.created) == (True, False)
    assert await stored(app) == 3


async def test_a_flow_comes_below_a_run_that_is_there(worked: App) -> None:
    """S3-27, B-031, B-036: the parent waits for all, also for those that come while others are carried out."""
    order: list[str] = []
    note = a_task(worked, order)
    gate = asyncio.Event()

    @worked.task
    async def slow() -> None:
        await gate.wait()

    top = await worked.submit(note.call("top").after(slow.call()))
    for n in "ab":
        await worked.submit(note.call(n).named(n).after(note.call(f"below {n}")), parent=top.run)
    with pytest.raises(NotFound):
        await worked.submit(note.call("lost").after(note.call("lost")), parent="nobody")
    gate.set()
    await top.run.result(timeout="30s")
    assert order[-1] == "top"
    assert set(order) == {"a", "b", "below a", "below b", "top"}


@pytest.mark.parametrize("removed", [True, False])
async def test_a_run_that_is_done_counts_as_done(worked: App, removed: bool) -> None:
    """B-033, B-034: whether it had a parent or not."""
    note = a_task(worked)
    if removed:
        former = await worked.submit(note.call().after(note.opts(id="known").call("mine")))
        await former.run.result(timeout="30s")
        await worked.reconcile()  # what its end does below it is done
        await former.run.remove(children=False)
    else:
        await (await note.opts(id="known").enqueue("mine")).result(timeout="30s")
    tree = await worked.submit(note.call().after(note.opts(id="known").call("mine")))
    assert (tree.run.created, tree.children[0].run.created) == (True, False)
    await tree.run.result(timeout="30s")


async def test_a_run_that_lives_alone_is_waited_for(app: App) -> None:
    note = a_task(app)
    alone = await note.opts(id="known").enqueue()
    tree = await app.submit(note.call().after(note.opts(id="known").call()))
    assert tree.children[0].run == alone
    why = await tree.run.why()
    assert why is not None
    assert why.detail == ("known",)


@pytest.mark.parametrize("policy", ["fail", "block", "continue", "ignore", "remove"])
async def test_the_policy_of_a_run_that_has_failed_applies_at_once(worked: App, policy: Any) -> None:
    """B-035: nothing hangs without a reason."""
    note = a_task(worked)

    @worked.task(retry=Retry(1))
    async def fails() -> None:
        raise ValueError("no stock")

    known = await fails.opts(id="known").enqueue()
    with pytest.raises(RunFailed):
        await known.result(timeout="30s")
    tree = await worked.submit(note.call().after(fails.opts(id="known").call().if_fails(policy)))
    if policy == "fail":
        with pytest.raises(RunFailed, match="no stock"):
            await tree.run.result(timeout="30s")
    elif policy == "block":
        why = await tree.run.why()
        assert why is not None
        assert (why.reason, why.detail) == ("blocked", ("known",))
    else:
        assert await tree.run.result(timeout="30s") == ""


async def test_a_child_that_fails_fails_its_parent_with_its_error(worked: App) -> None:
    """S3-11, S3-21, B-004, B-005: once its attempts are used up."""
    note = a_task(worked)
    tries: list[int] = []

    @worked.task(retry=Retry(2, delay=0))
    async def fails() -> None:
        tries.append(1)
        raise ValueError("no stock")

    tree = await worked.submit(note.call().after(note.call().after(fails.call()), note.opts(delay="1h").call()))
    with pytest.raises(RunFailed, match="no stock"):
        await tree.run.result(timeout="30s")
    assert len(tries) == 2


def test_flows_without_a_loop(url: str) -> None:
    app = App(url)
    note = a_task(app)
    with app.sync as jobs:
        node = jobs.submit(note.call("top").after(note.call("below")))
        assert node.run.status().state is State.WAITING
        assert [child.run.status().state for child in node.children] == [State.QUEUED]
        assert [one.run.created for one in jobs.submit([note.call(), note.call()])] == [True, True]
