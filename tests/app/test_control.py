"""Control: pause, drain, clean, dead letters, redrive, due times, and what reads say meanwhile."""

from typing import Any

import pytest

from penstock import App, Cascading, Duplicate, Invalid, NotFound, Purged, Retry, State, WrongState
from penstock.testing import Rehearsal


async def test_a_paused_queue_starts_nothing_until_resumed_and_then_in_order(rehearsed: App, stage: Rehearsal) -> None:
    """X-07, B-111, B-142, B-144."""
    order: list[int] = []

    @rehearsed.task(retry=Retry(2, delay=0))
    async def task(n: int) -> None:
        order.append(n)
        if n == 1 and order.count(1) == 1:
            raise OSError

    await rehearsed.pause(queue="default")
    for n in (1, 2, 3):
        await task.enqueue(n)
    late = await task.opts(delay=60).enqueue(4)
    await stage.advance("2m")
    assert order == []
    assert [(one.kind, one.name) for one in await rehearsed.paused()] == [("queue", "default")]
    assert (await late.status()).state == "queued"
    why = await late.why()
    assert why is not None
    assert (why.reason, why.detail) == ("pause", ("queue", "default"))
    await rehearsed.resume(queue="default")
    await stage.drain()
    assert order == [1, 2, 3, 4, 1]
    assert await rehearsed.paused() == []


async def test_a_paused_task_leaves_the_others_running(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task
    async def one() -> int:
        return 1

    @rehearsed.task
    async def two() -> int:
        return 2

    await rehearsed.pause(task="one")
    stopped, going = await one.enqueue(), await two.enqueue()
    assert await going.result() == 2
    assert (await stopped.status()).state == "queued"
    await rehearsed.resume(task="one")
    assert await stopped.result() == 1


async def test_order_is_priority_then_time(rehearsed: App) -> None:
    """B-057, B-106, B-112, S2-12."""
    order: list[str] = []

    @rehearsed.task
    async def task(name: str) -> None:
        order.append(name)

    async with rehearsed.testing(concurrency=1) as stage:
        for name, priority in (("a", 0), ("b", 5), ("c", 0), ("d", 1000), ("e", -1000), ("f", 5), ("g", -1000)):
            await task.opts(priority=priority).enqueue(name)
        await task.opts(delay=2).enqueue("later")
        await task.opts(delay=1).enqueue("sooner")
        await stage.advance(10)
    assert order == ["d", "b", "f", "a", "c", "e", "g", "sooner", "later"]


async def test_a_delay_lets_nothing_start_before_it_is_over(rehearsed: App, stage: Rehearsal) -> None:
    """S2-12, S4-10, B-109, B-110."""
    begun: list[float] = []

    @rehearsed.task
    async def task() -> None:
        begun.append(stage.now - 1_800_000_000)

    long, short = await task.opts(delay=5).enqueue(), await task.opts(delay="200ms").enqueue()
    assert [(await run.status()).state for run in (long, short)] == ["scheduled", "scheduled"]
    await stage.advance("199ms")
    assert begun == []
    await stage.advance(60)
    assert begun == pytest.approx([0.2, 5.0], abs=0.01)


async def test_a_due_time_can_be_moved(rehearsed: App, stage: Rehearsal) -> None:
    """B-089, B-090."""

    @rehearsed.task
    async def task() -> None: ...

    run = await task.opts(delay="1h").enqueue()
    await run.reschedule(delay="2h")
    assert (await run.status()).due_at == stage.now + 7200
    await run.reschedule(at=stage.now + 60)
    assert (await run.status()).due_at == stage.now + 60
    await run.promote()
    assert (await run.status()).state == "queued"
    with pytest.raises(WrongState):
        await run.promote()
    await run.reschedule(delay=30)
    assert (await run.status()).state == "scheduled"
    await stage.advance(60)
    with pytest.raises(WrongState, match="finished"):
        await run.reschedule(delay=1)
    with pytest.raises(WrongState, match="finished"):
        await run.promote()
    for named in ({}, {"at": 1.0, "delay": 1.0}):
        with pytest.raises(Invalid):
            await run.reschedule(**named)
    await run.remove()
    with pytest.raises(NotFound):
        await run.reschedule(delay=1)
    with pytest.raises(Purged):
        await run.promote()


async def test_draining_removes_what_waits_and_delayed_ones_only_if_asked(rehearsed: App, stage: Rehearsal) -> None:
    """B-145."""

    @rehearsed.task
    async def task() -> None: ...

    await rehearsed.enqueue_many([task.call() for _ in range(3)])
    await task.opts(priority=5).enqueue()
    kept = await task.opts(delay=60).enqueue()
    other = await task.opts(queue="other").enqueue()
    assert await rehearsed.drain("default") == 4
    assert {one.id for one in (await rehearsed.runs()).items} == {kept.id, other.id}
    assert await rehearsed.drain("default", delayed=True) == 1
    assert await rehearsed.drain("default", delayed=True) == 0
    assert [one.id for one in (await rehearsed.runs()).items] == [other.id]


async def test_cleaning_removes_only_what_is_old_enough_and_at_most_so_many(rehearsed: App, stage: Rehearsal) -> None:
    """B-147."""

    @rehearsed.task(retry=Retry(1), keep="30d")
    async def task(n: int) -> None:
        if n < 0:
            raise ValueError

    old = [await task.enqueue(n) for n in (1, 2, 3, -1)]
    await stage.advance("1h")
    young = await task.enqueue(4)
    await stage.drain()
    assert await rehearsed.clean(older_than="30m", state="succeeded", limit=2) == 2
    assert await rehearsed.clean(older_than="30m", state=["succeeded", State.CANCELLED], queue="elsewhere") == 0
    assert await rehearsed.clean(older_than="30m", state=["succeeded", State.CANCELLED]) == 1
    assert {one.id for one in (await rehearsed.runs()).items} == {old[3].id, young.id}
    assert await rehearsed.clean(older_than=0, state="failed") == 1
    for state in ("running", "done", (), 7):
        with pytest.raises(Invalid, match="state="):
            await rehearsed.clean(older_than=0, state=state)  # type: ignore[arg-type]


async def test_many_runs_are_removed_in_bounded_steps(rehearsed: App, stage: Rehearsal) -> None:
    """B-092, B-152."""

    @rehearsed.task
    async def task(n: int) -> None: ...

    await rehearsed.enqueue_many([task.call(n) for n in range(4000)])
    await rehearsed.pause(queue="default")
    await rehearsed.resume(queue="default")
    assert await rehearsed.drain("default") == 4000
    assert (await rehearsed.runs()).items == ()


async def test_a_run_that_failed_for_good_is_a_dead_letter_until_it_is_redriven(
    rehearsed: App, stage: Rehearsal
) -> None:
    """S2-23, S2-25, B-101, B-102."""
    healed: list[bool] = []

    @rehearsed.task(queue="mail", retry=Retry(2, delay=0), dead_letter=True)
    async def task(n: int) -> int:
        if not healed:
            raise OSError("down")
        return n

    runs = [await task.enqueue(n) for n in range(3)]
    named = await task.opts(dead_letter="special").enqueue(9)
    await stage.drain()
    page = await rehearsed.dead("mail-dlq", limit=2)
    rest = await rehearsed.dead("mail-dlq", limit=2, after=page.after)
    assert [one.id for one in (*page.items, *rest.items)] == [run.id for run in reversed(runs)]
    letter = page.items[0]
    assert (letter.state, letter.attempts, letter.input, letter.dead_letter) == ("failed", 2, {"n": 2}, "mail-dlq")
    assert (await rehearsed.dead()).items[0].id == named.id
    healed.append(True)
    await runs[0].redrive()
    assert await runs[0].result() == 0
    assert (await runs[0].status()).failures == 0
    assert await rehearsed.redrive(dead="mail-dlq") == 2
    assert await rehearsed.redrive(dead=True) == 1
    await stage.drain()
    assert (await rehearsed.dead()).items == ()
    assert await named.result() == 9


async def test_failed_runs_are_redriven_by_what_they_are(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task(retry=Retry(1))
    async def one(n: int) -> None:
        raise OSError

    @rehearsed.task(retry=Retry(1))
    async def two() -> None:
        raise OSError

    first, second = await one.opts(tags=["a"]).enqueue(1), await one.opts(queue="q").enqueue(2)
    third = await two.enqueue()
    await stage.drain()
    await rehearsed.pause(queue="default")
    await rehearsed.pause(queue="q")
    assert await rehearsed.redrive(task="one", tag="a") == 1
    assert await rehearsed.redrive(task="one", queue="q") == 1
    assert await rehearsed.redrive(third.id, "nobody") == 1
    assert {(await run.status()).state for run in (first, second, third)} == {"queued"}
    assert await rehearsed.redrive(task="one") == 0
    wrong: list[tuple[tuple[str, ...], dict[str, Any]]] = [
        ((), {}),
        ((first.id,), {"dead": True}),
        ((), {"task": "one", "dead": True}),
        ((), {"colour": "red"}),
        (("a b",), {}),
    ]
    for args, named in wrong:
        with pytest.raises(Invalid):
            await rehearsed.redrive(*args, **named)


async def test_what_lives_is_not_redriven(rehearsed: App, stage: Rehearsal) -> None:
    """B-101."""

    @rehearsed.task
    async def task() -> None: ...

    run = await task.enqueue()
    with pytest.raises(WrongState):
        await run.redrive()
    with pytest.raises(NotFound):
        await rehearsed.run("nobody").redrive()
    await run.cancel()
    await run.redrive()
    await stage.drain()
    assert (await run.status()).state == "succeeded"


async def test_a_redrive_needs_its_key_back(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task
    async def task() -> None: ...

    run = await task.opts(key="k", key_ttl=1).enqueue()
    await run.cancel()
    await stage.advance(5)
    other = await task.opts(key="k").enqueue()
    assert other.created
    with pytest.raises(Duplicate, match=run.id):
        await run.redrive()
    assert Cascading("x").run_id == "x"


async def test_lists_show_each_run_once_and_in_order(rehearsed: App, stage: Rehearsal) -> None:
    """S4-18, B-082."""

    @rehearsed.task
    async def one(n: int) -> None: ...

    @rehearsed.task(queue="q", tags=["x"])
    async def two() -> None: ...

    runs = [await one.enqueue(n) for n in range(7)]
    await stage.drain()
    tagged = await two.opts(delay=60).enqueue()
    middle = stage.now
    await stage.advance(1)
    last = await one.opts(delay=1).enqueue(8)
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await rehearsed.runs(limit=3, after=after)
        seen += [status.id for status in page.items]
        after = page.after
        if after is None:
            break
    assert seen == [run.id for run in (last, tagged, *reversed(runs))]
    ids = {
        "state": [one.id for one in (await rehearsed.runs(state="scheduled")).items],
        "states": [one.id for one in (await rehearsed.runs(state=["scheduled", "queued"], task="one")).items],
        "queue": [one.id for one in (await rehearsed.runs(queue="q")).items],
        "tag": [one.id for one in (await rehearsed.runs(tag="x", queue="q")).items],
        "since": [one.id for one in (await rehearsed.runs(since=middle + 0.5)).items],
    }
    assert ids == {
        "state": [last.id, tagged.id],
        "states": [last.id],
        "queue": [tagged.id],
        "tag": [tagged.id],
        "since": [last.id],
    }
    counts = {(one.queue, one.state): one.n for one in await rehearsed.counts()}
    assert counts == {("default", "succeeded"): 7, ("q", "scheduled"): 1, ("default", "scheduled"): 1}


async def test_finished_runs_go_when_their_time_is_over(rehearsed: App, stage: Rehearsal) -> None:
    """S2-21, X-05."""

    @rehearsed.task(keep="10m", retry=Retry(1))
    async def task(n: int) -> None:
        if n < 0:
            raise OSError

    gone = [await task.enqueue(1), await task.enqueue(-1)]
    await stage.drain()
    waiting = await task.opts(delay="1h").enqueue(2)
    await stage.advance("11m")
    assert [one.id for one in (await rehearsed.runs()).items] == [waiting.id]
    for run in gone:
        with pytest.raises(Purged):
            await run.status()


async def test_reconciling_counts_what_it_found(rehearsed: App, stage: Rehearsal) -> None:
    """S0-48, S0-49, S1-04, S1-05, S1-06."""

    @rehearsed.task(crashes=2)
    async def task() -> int:
        return 1

    first, second = await task.enqueue(), await task.opts(crashes=0).enqueue()
    done = await task.enqueue()
    await rehearsed.cancel(done.id)
    store = await rehearsed._client.store()
    empty = await rehearsed.reconcile()
    assert (empty.scanned, empty.stalled, empty.reconciled, empty.failed) == (0, 0, 0, 0)
    await _claim_and_vanish(store)
    found = await rehearsed.reconcile()
    assert (found.scanned, found.stalled, found.reconciled, found.failed) == (2, 0, 0, 0)
    stage._now += 31  # their worker is silent
    spared = await rehearsed.reconcile(older_than="1h")
    assert (spared.scanned, spared.stalled) == (2, 0)
    found = await rehearsed.reconcile()
    assert (found.scanned, found.stalled, found.reconciled, found.failed) == (2, 2, 1, 1)
    assert await first.result() == 1
    status = await second.status()
    assert (status.state, status.cause) == ("failed", "crashed")
    assert status.error is not None
    assert status.error.type == "penstock.Crashed"
    assert [one.error for one in await first.attempts()] == [None]


async def _claim_and_vanish(store: Any) -> None:
    from penstock.core.leases import Ability, ClaimRequest  # noqa: PLC0415 (below the public names)

    request = ClaimRequest(
        claim_id="c",
        worker="gone",
        queues=("default",),
        abilities=frozenset({Ability(task="task")}),
        limit=10,
        lease=30.0,
    )
    assert len((await store.claim(request)).claims) == 2
