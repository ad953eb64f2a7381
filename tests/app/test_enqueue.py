"""Enqueue: stored when it returns, once however often it is asked, in groups that are stored whole."""

import asyncio
from typing import Any

import pytest

from penstock import App, Closed, Invalid, InvalidInput, KeyConflict, UnknownTask, WrongState
from penstock.app.client import portions
from penstock.core.run import NewRun


async def test_constructing_and_registering_open_nothing(url: str, tmp_path: Any) -> None:
    """S2-05, B-064."""
    app = App(url)

    @app.task
    async def task() -> None: ...

    task.call()
    assert list(tmp_path.iterdir()) == []
    assert app._client.stores._open == {}
    await app.open()
    await asyncio.gather(app.open(), app.open())
    assert len(app._client.stores._open) == 1
    await app.close()
    await app.close()


async def test_calls_after_close_say_so(url: str) -> None:
    """S3-40, S1-24."""
    app = App(url)

    @app.task
    async def task() -> None: ...

    run = await task.enqueue()
    await app.close()
    for call in (task.enqueue, run.status, run.result, app.counts, lambda: app.enqueue_many([task.call()])):
        with pytest.raises(Closed):
            await call()
    await app.open()
    assert (await task.enqueue()).created
    await app.close()


async def test_an_app_is_open_in_its_block(url: str) -> None:
    async with App(url) as app:
        assert await app.counts() == []
    with pytest.raises(Closed):
        await app.counts()


async def test_many_callers_share_calls_and_each_has_its_own_fate(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    @app.task
    async def task(n: int) -> None: ...

    await task.opts(key="taken").enqueue(0)
    connection = await app._client.here()
    sizes: list[int] = []
    call = connection.entering._call

    async def counted(groups: list[Any]) -> Any:
        sizes.append(len(groups))
        await asyncio.sleep(0)  # as if it took time
        return await call(groups)

    monkeypatch.setattr(connection.entering, "_call", counted)
    bad = task.opts(key="taken")
    asked = [*(task.enqueue(n) for n in range(50)), bad.enqueue(1), *(task.enqueue(n) for n in range(50))]
    runs = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(run) for run in runs if isinstance(run, BaseException)] == [KeyConflict]
    assert len(sizes) <= 3
    assert sum(sizes) == 101


async def test_the_same_id_twice_is_one_run(app: App) -> None:
    """S2-13, S0-57, B-170."""

    @app.task
    async def task(n: int) -> None: ...

    first = await task.opts(id="mine").enqueue(1)
    second = await task.opts(id="mine").enqueue(2)
    assert (first.created, second.created, first) == (True, False, second)
    assert (await second.status()).input == {"n": 1}
    assert (await task.enqueue(1)).id != (await task.enqueue(1)).id


async def test_the_same_key_twice_is_one_run_and_other_input_is_a_conflict(worked: App) -> None:
    """S4-11, S4-13."""

    @worked.task
    async def double(n: int = 2, *, scale: float = 1) -> float:
        return 2 * n * scale

    first = await double.opts(key="k").enqueue(2, scale=1.0)
    again = await double.opts(key="k").enqueue(n=2, scale=1)
    assert (first.created, again.created, again.id) == (True, False, first.id)
    with pytest.raises(KeyConflict, match=first.id) as conflict:
        await double.opts(key="k").enqueue(3)
    assert (conflict.value.key, conflict.value.run_id) == ("k", first.id)
    assert await again.result(timeout=10) == 4.0
    assert (await double.opts(key="k").enqueue(2, scale=1)).id == first.id

    @worked.task
    async def other(n: int) -> None: ...

    assert (await other.opts(key="k").enqueue(3)).created


async def test_many_are_answered_in_order_and_stored_whole(app: App) -> None:
    @app.task
    async def task(n: int) -> None: ...

    calls = [task.call(n) for n in range(1500)]
    runs = await app.enqueue_many(calls)
    assert [run.id for run in runs] == [call.id for call in calls]
    assert all(run.created for run in runs)
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await app.runs(limit=700, after=after)
        seen += [one.id for one in page.items]
        after = page.after
        if after is None:
            break
    assert sorted(seen) == sorted(call.id for call in calls)
    again = await app.enqueue_many(calls)
    assert not any(run.created for run in again)
    assert await app.enqueue_many([]) == []


async def test_one_bad_call_refuses_its_whole_group(app: App) -> None:
    @app.task
    async def task(n: int) -> None: ...

    await task.opts(key="k").enqueue(0)
    before = (await app.runs()).items
    with pytest.raises(KeyConflict):
        await app.enqueue_many([task.call(1), task.opts(key="k").call(1), task.call(2)])
    assert (await app.runs()).items == before
    call = task.call(1)
    for calls, parameter in (
        ([call, call], "calls[1]"),
        ([call, 7], "calls[1]"),
        (call, "calls"),
        ({1: call}, "calls"),
    ):
        with pytest.raises(Invalid) as refused:
            await app.enqueue_many(calls)  # type: ignore[arg-type]
        assert refused.value.parameter == parameter
    assert (await app.runs()).items == before


def test_long_lists_travel_in_groups_of_bounded_size() -> None:
    small = [NewRun(id=str(n), task="t") for n in range(2001)]
    large = [NewRun(id=str(n), task="t", input=b"x" * 1_000_000) for n in range(9)]
    assert [len(part) for part in portions(small)] == [1000, 1000, 1]
    assert [len(part) for part in portions(large)] == [4, 4, 1]
    assert [run.id for part in portions(large) for run in part] == [run.id for run in large]
    assert portions([]) == []


async def test_a_task_is_enqueued_by_its_name(worked: App, url: str) -> None:
    """S4-16, S3-06."""

    @worked.task(queue="other")
    async def add(a: int, b: int = 1, *, tag: str | None = None) -> int:
        return a + b

    run = await worked.enqueue("add", 1, b=2)
    assert (await run.status()).queue == "other"
    assert await run.result(timeout=10) == 3
    (many,) = await worked.enqueue_many([worked.call("add", 5)])
    assert await many.result(timeout=10) == 6
    with pytest.raises(UnknownTask, match=r"'ad'.*add") as unknown:
        await worked.enqueue("ad", 1)
    assert unknown.value.task == "ad"
    assert (await worked.enqueue("ad", n=1, unchecked=True)).created


async def test_a_name_whose_code_is_elsewhere_is_checked_against_what_a_worker_declared(app: App) -> None:
    @app.task(queue="far")
    async def add(a: int, b: float = 1.0, *, tag: str | None = None) -> float:
        return a + b

    await app.worker(burst=True).run()
    (known,) = await app.definitions()
    assert (known.task, known.queue) == ("add", "far")
    handler = app._client.handlers.pop("add")
    wrong: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        ((), {}, "a"),
        (("x",), {}, "a"),
        ((1,), {"a": 1}, "a"),
        ((1, 2, 3), {}, "args"),
        ((1,), {"c": 1}, "c"),
        ((1,), {"tag": 7}, "tag"),
        ((True,), {}, "a"),
    ]
    for args, named, parameter in wrong:
        with pytest.raises(InvalidInput) as refused:
            await app.enqueue("add", *args, **named)
        assert refused.value.parameter == parameter
    assert (await app.runs()).items == ()
    run = await app.named("add").opts(priority=2).enqueue(1, 2, tag=None)
    assert (await run.status()).queue == "far"
    app._client.handlers["add"] = handler
    await app.worker(burst=True).run()
    assert await run.result(timeout=10) == 3.0


async def test_runs_that_a_task_enqueues_are_its_own(worked: App) -> None:
    @worked.task
    async def child(n: int) -> int:
        return n

    @worked.task(name="parent")
    def parent(n: int) -> list[str]:
        return [child.sync.enqueue(n).id, *(run.id for run in worked.sync.enqueue_many([child.call(1), child.call(2)]))]

    run = await parent.enqueue(7)
    started = await run.result(timeout=10)
    assert len(started) == 3
    statuses = [await worked.run(one).status() for one in started]
    assert [one.parent_id for one in statuses] == [run.id] * 3
    assert await worked.run(started[0]).result(timeout=10) == 7
    assert {one.id for one in (await worked.runs(parent_id=run.id)).items} == set(started)


async def test_in_mode_work_only_tasks_enqueue(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-03."""
    app = App(url, mode="work")

    @app.task
    async def child() -> int:
        return 1

    @app.task
    async def parent() -> str:
        return (await child.enqueue()).id

    with pytest.raises(Invalid, match="mode='work'"):
        await parent.enqueue()
    store = await app._client.store()
    with monkeypatch.context() as context:
        context.setattr(app._where, "_in_force", app._where.setting._replace(mode="both"))
        run = await parent.enqueue()
    async with app.worker():
        assert await app.run(await run.result(timeout=10)).result(timeout=10) == 1
    assert await store.check() == []
    await app.close()


async def test_in_mode_enqueue_there_is_no_worker(url: str) -> None:
    """S2-02."""
    app = App(url, mode="enqueue")
    with pytest.raises(Invalid, match="mode='enqueue'"):
        app.worker()
    with pytest.raises(Invalid, match="mode='enqueue'"):
        app.run_worker()
    with pytest.raises(Invalid, match="mode='enqueue'"):
        await app.claim()


async def test_an_unstarted_run_may_be_given_other_input_and_priority(app: App) -> None:
    """B-083."""

    @app.task
    async def task(n: int) -> int:
        return n

    run = await task.enqueue(1)
    await run.update_input(5)
    await run.reprioritise(7)
    status = await run.status()
    assert (status.input, status.priority) == ({"n": 5}, 7)
    with pytest.raises(InvalidInput):
        await run.update_input("x")
    await app.worker(burst=True).run()
    assert await run.result(timeout=10) == 5
    with pytest.raises(WrongState, match="finished"):
        await run.update_input(6)
    with pytest.raises(WrongState):
        await run.reprioritise(1)
