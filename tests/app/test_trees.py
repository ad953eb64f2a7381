"""Trees looked at, changed while they stand, and begun again where they have failed."""

from typing import Any, cast

import pytest

from penstock import (
    App,
    AsyncTask,
    Cascading,
    Context,
    Invalid,
    NotFound,
    Retry,
    RunCancelled,
    RunFailed,
    State,
    Tree,
    WrongState,
    inject,
)
from penstock.testing import Rehearsal

MENDED: set[str] = set()


def a_node(app: App, ran: list[str] | None = None) -> AsyncTask[..., str]:
    """Fails while its name begins with "bad" and it is not mended."""

    @app.task(retry=Retry(1))
    async def node(name: str = "") -> str:
        if ran is not None:
            ran.append(name)
        if name.startswith("bad") and name not in MENDED:
            raise ValueError(name)
        return name

    return node


@pytest.fixture(autouse=True)
def _nothing_is_mended() -> None:
    MENDED.clear()


def shape(tree: Tree) -> Any:
    return tree.run.input.get("name"), [shape(child) for child in tree.children]


async def test_a_tree_is_as_it_was_stored(app: App) -> None:
    """S3-30, B-047: with present states, and a mark where something is left out."""
    node = a_node(app)
    flow = node.call("a").after(
        node.call("b").if_fails("ignore").named("first").after(node.call("c").after(node.call("d"))),
        *(node.call(f"e{n}") for n in range(5)),
    )
    top = (await app.submit(flow)).run
    whole = await app.tree(top.id)
    below: list[Any] = [["b", [["c", [["d", []]]]]], *([f"e{n}", []] for n in range(5))]
    assert _lists(shape(whole)) == ["a", below]
    assert (whole.run.state, whole.pending, whole.kind, whole.if_fails, whole.more) == ("waiting", 6, None, None, False)
    first = whole.children[0]
    assert (first.kind, first.name, first.if_fails, first.run.state) == ("dependency", "first", "ignore", "waiting")
    assert whole.children[1].run.state == "queued"
    flat = await app.tree(top.id, depth=1)
    assert [child.more for child in flat.children] == [True, False, False, False, False, False]
    assert all(child.children == () for child in flat.children)
    narrow = await app.tree(top.id, per_node=2)
    assert (len(narrow.children), narrow.more) == (2, True)
    alone = await app.tree(top.id, depth=0)
    assert (alone.children, alone.more) == ((), True)
    assert shape(await app.tree(first.run.id)) == shape(first)


def _lists(value: Any) -> Any:
    return [_lists(one) for one in cast("list[Any]", value)] if isinstance(value, list | tuple) else value


async def test_a_tree_is_read_level_by_level(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call of the store for each level; more only where a node has more children than come at once."""
    node = a_node(app)
    flow = node.call("a").after(*(node.call(f"b{n}").after(*(node.call() for _ in range(5))) for n in range(30)))
    top = (await app.submit(flow)).run
    store = await app._client.store()
    asked: list[str] = []

    def counted(name: str) -> Any:
        found = getattr(store, name)

        async def call(*args: Any, **named: Any) -> Any:
            asked.append(name)
            return await found(*args, **named)

        return call

    for name in ("get", "children", "children_of"):
        monkeypatch.setattr(store, name, counted(name))
    tree = await app.tree(top.id)
    assert [len(child.children) for child in tree.children] == [5] * 30
    assert asked == ["get", "children_of", "children_of", "children_of"]


async def test_a_tree_of_nothing_is_not_found(app: App) -> None:
    """S3-30."""
    with pytest.raises(NotFound):
        await app.tree("nobody")
    run = await a_node(app).enqueue("a")
    assert (await app.tree(run.id)).children == ()
    for wrong in ({"depth": -1}, {"depth": 1.5}, {"per_node": 0}, {"per_node": 10_001}):
        with pytest.raises(Invalid):
            await app.tree(run.id, **wrong)  # pyright: ignore[reportArgumentType]


async def test_a_run_that_is_there_is_attached(app: App) -> None:
    """S3-27, S3-28."""
    node = a_node(app)
    top = (await app.submit(node.call("top").after(node.call("a")))).run
    late = (await app.submit(node.call("late").after(node.call("below")))).run
    await top.attach(late, if_fails="ignore", name="late")
    tree = await app.tree(top.id)
    assert _lists(shape(tree)) == ["top", [["a", []], ["late", [["below", []]]]]]
    assert (tree.children[1].name, tree.children[1].if_fails) == ("late", "ignore")
    other = (await app.submit(node.call("other").after(node.call("b")))).run
    with pytest.raises(WrongState, match="waited for by another run"):
        await other.attach(late.id)
    with pytest.raises(WrongState, match="above that run"):
        await app.run(tree.children[1].children[0].run.id).attach(top)
    with pytest.raises(NotFound):
        await top.attach("nobody")
    with pytest.raises(Invalid, match="if_fails"):
        await top.attach(other, if_fails="explode")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(Invalid, match="name"):
        await top.attach(other, name="two words")


@pytest.mark.parametrize("way", ["detach", "remove"])
async def test_the_last_child_that_goes_releases_its_parent(worked: App, way: str) -> None:
    """S3-32, S3-33, B-044, B-045, B-046: with the parent's own delay and priority."""
    node = a_node(worked)
    later = node.opts(delay="1h")
    tree = await worked.submit(node.opts(delay="0.01s", priority=7).call("top").after(later.call("a"), later.call("b")))
    one, other = (child.run for child in tree.children)
    await (one.detach() if way == "detach" else one.remove())
    assert (await tree.run.status()).state is State.WAITING
    await (other.detach() if way == "detach" else other.remove())
    assert await tree.run.result(timeout="30s") == "top"
    assert (await tree.run.status()).priority == 7
    if way == "detach":
        assert (await one.status()).parent_id is None
        with pytest.raises(WrongState):
            await one.detach()
    with pytest.raises(NotFound):
        await worked.run("nobody").detach()


async def test_a_child_detaches_itself(worked: App) -> None:
    """S3-33."""
    node = a_node(worked)

    @worked.task(retry=Retry(1))
    async def leaves(*, ctx: Context = inject()) -> None:
        await worked.run(ctx.run_id).detach()
        raise ValueError("nobody hears of it")

    tree = await worked.submit(node.call("top").after(leaves.call(), node.call("a")))
    assert await tree.run.result(timeout="30s") == "top"
    with pytest.raises(RunFailed):
        await tree.children[0].run.result(timeout="30s")


async def test_a_subtree_is_removed_whole_or_stays(worked: App) -> None:
    """B-043, B-149: refused while one node runs."""
    node = a_node(worked)
    tree = await worked.submit(node.opts(delay="1h").call("top").after(node.opts(delay="1h").call("a")))
    kept = await worked.submit(node.call("top").after(node.opts(delay="1h").call("a")))
    await tree.run.remove()
    await kept.run.remove(children=False)
    assert (await kept.children[0].run.status()).parent_id is None
    with pytest.raises(NotFound):
        await worked.tree(tree.children[0].run.id)


async def test_a_failed_child_is_tried_again(rehearsed: App, stage: Rehearsal) -> None:
    """S3-09, B-003, B-037: a blocked parent says for whom it waits; a redrive lets it go on."""
    node = a_node(rehearsed)
    tree = await rehearsed.submit(node.call("top").after(node.call("bad").if_fails("block")))
    bad = tree.children[0].run
    await stage.drain()
    seen = await rehearsed.tree(tree.run.id)
    assert (seen.run.state, seen.blocked_by) == (State.WAITING, bad.id)
    MENDED.add("bad")
    await bad.redrive()
    assert await tree.run.result() == "top"


async def test_a_flow_goes_on_from_its_failed_nodes(rehearsed: App, stage: Rehearsal) -> None:
    """B-006, B-040: what has succeeded stays; nothing runs before what it waits for."""
    ran: list[str] = []
    node = a_node(rehearsed, ran)
    tree = await rehearsed.submit(
        node.call("top").after(
            node.call("good"), node.call("middle").after(node.call("bad")), node.opts(delay="1h").call("late")
        )
    )
    await stage.drain()
    with pytest.raises(RunFailed, match="bad"):
        await tree.run.result()
    assert (await tree.children[2].run.status()).state is State.CANCELLED
    assert sorted(ran) == ["bad", "good"]
    await tree.run.redrive()
    await stage.advance("2h")
    with pytest.raises(RunFailed, match="bad"):
        await tree.run.result()
    MENDED.add("bad")
    await tree.run.redrive()
    await stage.advance("2h")
    assert await tree.run.result() == "top"
    assert ran.count("good") == 1
    assert ran[-1] == "top"
    assert ran.index("middle") > ran.index("bad")
    good, middle, _ = (child.run for child in tree.children)
    assert [(await run.status()).life for run in (tree.run, good, middle)] == [3, 1, 3]


async def test_a_released_parent_waits_while_its_queue_is_paused(rehearsed: App, stage: Rehearsal) -> None:
    """S3-26."""
    node = a_node(rehearsed)
    await rehearsed.pause(queue="other")
    tree = await rehearsed.submit(node.opts(queue="other").call("top").after(node.call("a")))
    await stage.drain()
    why = await tree.run.why()
    assert why is not None
    assert ((await tree.run.status()).state, why.reason) == (State.QUEUED, "pause")
    await rehearsed.resume(queue="other")
    assert await tree.run.result() == "top"


async def test_a_parent_waits_for_children_that_are_due_later(rehearsed: App, stage: Rehearsal) -> None:
    """B-026, B-027: then its own delay begins."""
    ran: list[str] = []
    node = a_node(rehearsed, ran)
    later = node.opts(delay="2h")
    tree = await rehearsed.submit(node.opts(delay="1h").call("top").after(node.call("a"), later.call("b")))
    await stage.advance("90m")
    assert ran == ["a"]
    await stage.advance("45m")
    assert ran == ["a", "b"]
    assert (await tree.run.status()).state is State.SCHEDULED
    await stage.advance("1h")
    assert await tree.run.result() == "top"


async def test_a_cancelled_flow_ends_whole(rehearsed: App, stage: Rehearsal) -> None:
    """And a redrive has to wait till it has."""
    node = a_node(rehearsed)
    tree = await rehearsed.submit(node.call("top").after(node.call("a").after(node.opts(delay="1h").call("b"))))
    await tree.run.cancel("no more")
    with pytest.raises(Cascading):
        await tree.run.redrive()
    await stage.advance("2h")
    found = await rehearsed.tree(tree.run.id)
    assert [found.run.state, found.children[0].run.state, found.children[0].children[0].run.state] == [
        State.CANCELLED
    ] * 3
    with pytest.raises(RunCancelled, match="no more"):
        await tree.run.result()


def test_trees_without_a_loop(url: str) -> None:
    app = App(url)
    node = a_node(app)
    with app.sync as jobs:
        top = jobs.submit(node.call("top").after(node.call("a"))).run
        other = node.sync.enqueue("other")
        top.attach(other, name="other")
        assert [child.name for child in jobs.tree(top.id).children] == ["", "other"]
        other.detach()
        assert len(jobs.tree(top.id).children) == 1
