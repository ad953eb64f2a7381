"""Flows where any call of the store goes wrong, in every way: they end as they do without."""

from pathlib import Path
from typing import Any

import pytest

from penstock import Call, Context, FlowNode, Retry, Tree, inject
from penstock.models import growing
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

PORTION = 5  # runs of a flow that are stored together: so a small flow goes the way of a large one


@pytest.fixture(autouse=True)
def _small_and_hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "ITEMS", PORTION)
    hurried(monkeypatch)


async def flows(scene: Scene) -> Any:
    """Five flows: with policies, children added and dropped, a failure that goes up, a large one, a cancelled one."""
    app, play, ran = scene.app, scene.play, scene.ran

    @app.task(retry=Retry(2, delay=0))
    async def part(name: str, *, ctx: Context = inject()) -> str:
        ran[name] += 1
        if name.startswith("bad") or (name == "flaky" and ctx.attempt == 1):
            raise ValueError(name)
        return name

    @app.task
    async def whole(*, ctx: Context = inject()) -> list[Any]:
        ran["whole"] += 1
        results = [one.result for one in (await ctx.children.results()).items if "added" not in one.id]
        failures = [one.name for one in (await ctx.children.failures()).items]
        added = part.opts(id=f"{ctx.run_id}.added").call("added")
        await ctx.children.add(added.after(part.opts(id=f"{ctx.run_id}.added.below").call("below")))
        return [results, failures]

    @app.task
    async def early(*, ctx: Context = inject()) -> list[Any]:
        ran["early"] += 1
        await ctx.children.cancel_pending()
        wide = [part.opts(id=f"{ctx.run_id}.{n}").call(f"wide {n}") for n in range(8)]
        await ctx.children.add(part.opts(id=f"{ctx.run_id}.wide").call("wide").after(*wide))
        return [one.name for one in (await ctx.children.failures()).items]

    def late(name: str) -> Any:
        return part.opts(delay="3h").call(name)

    calls: list[Call[Any]] = [
        whole.call().after(
            part.call("a").after(part.call("b"), part.call("flaky")),
            part.call("bad ignored").if_fails("ignore").named("ignored"),
            part.call("bad removed").if_fails("remove"),
        ),
        early.call().after(part.call("bad early").if_fails("continue").named("bad"), late("never")),
        part.call("not reached").after(part.call("also not").after(part.call("bad")), late("never")),
    ]
    large = part.call("large").after(
        *(part.call(f"middle {n}").after(part.call(f"left {n}"), part.call(f"right {n}")) for n in range(4))
    )
    cancelled = part.call("cancelled").after(late("never").after(late("never")), late("never"))
    nodes: list[FlowNode[Any]] = await insist(lambda: app.submit(calls))
    nodes += await insist(lambda: app.submit([large, cancelled]))
    await insist(lambda: nodes[4].run.cancel("no more"))
    await play.advance("2h")
    scene.store.over = True
    return [_shape(await app.tree(node.run.id)) for node in nodes]


def _shape(tree: Tree) -> Any:
    run = tree.run
    return run.input.get("name"), run.state.value, run.result, run.cause, [_shape(child) for child in tree.children]


@pytest.mark.parametrize("fault", FAULTS)
async def test_some_calls_go_wrong(backend: str, fault: str, tmp_path: Path) -> None:
    """X-04: some from the beginning to the end, others for each fault; the slow one tries them all."""
    await some_calls_go_wrong(Trial(flows, backend, tmp_path), fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
async def test_any_call_goes_wrong(backend: str, fault: str, tmp_path: Path) -> None:
    """Each fault at each call of the store that the flows make."""
    await each_call_goes_wrong(Trial(flows, backend, tmp_path), f"flows, {backend}", fault)


@pytest.mark.slow
async def test_two_calls_go_wrong(backend: str, tmp_path: Path) -> None:
    """Pairs at random, the same for a SEED; FAULTY_PAIRS says how many."""
    await pairs_go_wrong(Trial(flows, backend, tmp_path), f"flows, {backend}")


async def test_faults_reach_every_operation(tmp_path: Path) -> None:
    """The places at which faults are put are those of the calls that there are."""
    trial = Trial(flows, "memory", tmp_path)
    calls = await trial.calls()
    struck = {name for call in range(1, calls + 1) for name in await trial.befallen({call: "twice"})}
    assert struck >= {"enqueue", "claim", "turn", "spawn", "children", "remove", "cancel", "tend"}
