"""Nodes of graphs whose workers are slow, or gone, and the full pass that looks for them."""

from typing import Any

from penstock import App, NodeContext, Retry, State, inject
from penstock.core.leases import Ability, Claim, ClaimRequest, Complete
from penstock.testing import Rehearsal

LONG = "60s"


async def plan(app: App) -> None:
    """Plan graphs, and carry out none of their nodes."""
    await app.worker(burst=True, queues=["plans"]).run()


async def held(app: App, *, lease: float) -> Claim:
    """A node's run, claimed by a worker that says nothing more."""
    request = ClaimRequest(
        claim_id="c1",
        worker="w1",
        queues=("default",),
        abilities=frozenset({Ability(task="one")}),
        limit=1,
        lease=lease,
    )
    (claim,) = (await (await app._client.store()).claim(request)).claims
    return claim


def graph_of(app: App) -> list[str]:
    """A graph of two nodes; which have run."""
    ran: list[str] = []

    @app.task
    async def one(*, node: NodeContext = inject()) -> str:
        ran.append(node.id)
        return node.id

    graph = app.graph("two")
    graph.node(one, "b", after=graph.node(one, "a"))
    return ran


async def test_a_node_that_is_long_at_it_is_no_stall(app: App) -> None:
    """S0-47: whose lease is alive keeps it, however long it takes, and its run is not started again."""
    ran = graph_of(app)
    run = await app.start("two", queue="plans")
    await plan(app)
    claim = await held(app, lease=3600)
    for _ in range(3):
        found = await app.reconcile()
        assert (found.scanned, found.stalled, found.reconciled, found.failed) == (1, 0, 0, 0)
    await app.worker(burst=True).run()
    assert ran == []
    store = await app._client.store()
    await store.settle([Complete(lease=claim.lease, result=b'{"output":"by another"}')])
    await app.worker(burst=True, queues=["plans", "default"]).run()
    assert (await run.result(LONG)).outputs == {"a": "by another", "b": "b"}
    assert ran == ["b"]


async def test_reads_do_not_put_off_that_a_stall_is_seen(app: App) -> None:
    """S0-54: somebody looks at the run in all ways, again and again; what is lost is found when it is."""
    ran = graph_of(app)
    run = await app.start("two", queue="plans")
    await plan(app)
    claim = await held(app, lease=1e-6)
    for _ in range(5):
        assert (await run.nodes())["a"].status == "running"
        assert await run.context() == {}
        assert len(await run.events()) == 2
        assert (await run.status()).state is State.WAITING
        assert (await app.run(claim.run_id).status()).state is State.RUNNING
        await app.tree(run.id)
    found = await app.reconcile()
    assert (found.scanned, found.stalled, found.reconciled, found.failed) == (1, 1, 1, 0)
    await app.worker(burst=True, queues=["plans", "default"]).run()
    assert (await run.result(LONG)).output == "b"
    assert ran == ["a", "b"]


async def test_a_finished_graph_is_no_stall_and_starts_nothing(app: App) -> None:
    """S0-49, S0-50, S0-55: whatever has finished is not looked at, however much there is of it."""
    ran = graph_of(app)
    runs = [await app.start("two") for _ in range(20)]
    await app.worker(burst=True, concurrency=5).run()
    await app.reconcile()
    for run in runs:
        await run.result(LONG)
    before = await app.counts()
    found = await app.reconcile()
    assert (found.scanned, found.stalled, found.reconciled, found.failed) == (0, 0, 0, 0)
    await app.worker(burst=True).run()
    assert await app.counts() == before
    assert len(ran) == 40


async def test_between_attempts_a_node_waits_as_long_as_it_says_and_holds_no_worker() -> None:
    """S0-35: of one worker with one slot; the gap is at least the delay, and at most a little more than it."""
    app = App("memory://")
    log: list[tuple[str, float]] = []
    async with app.testing(concurrency=1) as stage:

        @app.task(retry=Retry(3, delay="300ms", backoff="fixed", jitter=0.5))
        async def one(*, node: NodeContext = inject()) -> str:
            log.append((node.id, stage.now))
            if node.id == "fails" and sum(name == "fails" for name, _ in log) < 3:
                raise OSError("no route")
            return node.id

        graph = app.graph("gaps")
        graph.node(one, "fails")
        graph.node(one, "beside")
        run = await app.start(graph)
        await stage.advance("1m")
        result: Any = await run.result(0)
        assert result.nodes["fails"].status == "succeeded"
    assert [name for name, _ in log] == ["fails", "beside", "fails", "fails"]  # the slot is free in between
    first, _, second, third = (at for _, at in log)
    for gap in (second - first, third - second):
        assert 0.15 <= gap <= 0.35


async def test_retries_are_told_by_the_node_s_run(stage: Rehearsal, rehearsed: App) -> None:
    """S0-34: two failed attempts with their numbers, then the third."""
    app = rehearsed
    tries: list[int] = []

    @app.task(retry=Retry(3, delay=0))
    async def shaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OSError(f"no route {len(tries)}")
        return "mended"

    graph = app.graph("shaky")
    graph.node(shaky)
    run = await app.start(graph)
    await stage.drain()
    assert (await run.result(0)).output == "mended"
    (started,) = (one for one in await run.events() if one.kind == "node.started")
    attempts = await app.run(started.node_run or "").attempts()
    assert [(one.number, one.error.message if one.error else "") for one in attempts] == [
        (1, "no route 1"),
        (2, "no route 2"),
    ]
