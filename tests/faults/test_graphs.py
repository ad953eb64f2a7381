"""A graph where any call of the store goes wrong, in every way: it ends as it does without."""

from pathlib import Path
from typing import Any

import pytest

from penstock import Never, NodeContext, NodeOutcome, Retry, RunFailed, inject
from tests.faults.faulty import FAULTS
from tests.faults.scenes import (
    Scene,
    Trial,
    each_call_goes_wrong,
    hurried,
    insist,
    pairs_go_wrong,
    some_calls_go_wrong,
)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    hurried(monkeypatch)


async def graphs(scene: Scene) -> Any:
    """A graph with most kinds of nodes, whose blueprint travels apart from it; and one that fails."""
    app, play, ran = scene.app, scene.play, scene.ran

    @app.task
    async def take(data: Any, *, node: NodeContext = inject()) -> Any:
        ran[node.id] += 1
        node.set(f"seen {node.id}", True)
        return data

    @app.task
    async def choose(number: int, *, node: NodeContext = inject()) -> NodeOutcome:
        ran[node.id] += 1
        return NodeOutcome(number, "many" if number > 1 else "few")

    @app.task(retry=Retry(2, delay=0))
    async def refuses(data: Any, *, node: NodeContext = inject()) -> None:
        ran[node.id] += 1
        raise Never("not today") if data is None else OSError("no route")

    @app.task
    async def add(number: int, *, node: NodeContext = inject()) -> int:
        ran[node.id] += 1
        return number + 1

    @app.task
    async def square(number: int) -> int:
        ran[f"square {number}"] += 1
        return number * number

    below = app.graph("below")
    below.node(take, "double", params={"data": 8})
    app.blueprint(below.blueprint())

    graph = app.graph("all")
    first = graph.node(choose)
    few = graph.node(take, "few", after=first, action="few")
    many = graph.node(take, "many", after=first, action="many")
    saved = graph.node(refuses, "saved", after=many, fallback=graph.node(take, "by_hand", params={"data": "by hand"}))
    turn = graph.node(add, "turn")
    loop = graph.loop("loop", first=turn, last=turn, condition="output < 5", limit=9, after=many)
    items = graph.batch(square, after=graph.node(take, "items", after=loop, transform="[1, 2, 3, 4, 5]"), concurrency=2)
    nap = graph.sleep("1h", "nap", after=many)
    asked = graph.wait("ask", after=nap)
    sub = graph.subgraph("below", after=many)
    graph.node(take, "join", after=[few, saved, loop, items, asked, sub])
    failing = app.graph("failing")
    failing.node(take, "later", after=failing.node(refuses, "fails", params={"data": None}))

    run = await insist(lambda: app.start(graph, input=2, id="all", context={"size": "x" * 20_000}))
    other = await insist(lambda: app.start(failing, id="failing"))
    await insist(lambda: run.signal("ask", "yes", once="1"))
    await play.advance("3h")
    scene.store.over = True
    result = await run.result(timeout=0)
    with pytest.raises(RunFailed, match="node fails: not today"):
        await other.result(timeout=0)
    kinds = sorted(f"{one.task} {one.state}" for one in await play.runs())
    return result.outputs, {one: node.status for one, node in result.nodes.items()}, sorted(result.context), kinds


@pytest.mark.parametrize("fault", FAULTS)
async def test_some_calls_go_wrong(backend: str, fault: str, tmp_path: Path) -> None:
    """S0-43, S0-44, X-04: some from the beginning to the end, others for each fault; the slow one tries them all."""
    await some_calls_go_wrong(Trial(graphs, backend, tmp_path), fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
async def test_any_call_goes_wrong(backend: str, fault: str, tmp_path: Path) -> None:
    """Each fault at each call of the store that the graphs make."""
    await each_call_goes_wrong(Trial(graphs, backend, tmp_path), f"graphs, {backend}", fault)


@pytest.mark.slow
async def test_two_calls_go_wrong(backend: str, tmp_path: Path) -> None:
    """Pairs at random, the same for a SEED; FAULTY_PAIRS says how many."""
    await pairs_go_wrong(Trial(graphs, backend, tmp_path), f"graphs, {backend}")


async def test_faults_reach_every_operation(tmp_path: Path) -> None:
    """The places at which faults are put are those of the calls that there are."""
    trial = Trial(graphs, "memory", tmp_path)
    calls = await trial.calls()
    struck = {name for call in range(1, calls + 1) for name in await trial.befallen({call: "twice"})}
    assert struck >= {"signal", "enqueue", "claim", "turn", "spawn", "record", "steps", "get", "tend"}
