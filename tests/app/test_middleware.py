"""Who has a say before a run is stored, and around each attempt: in which order, in which thread, and what counts."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

from penstock import (
    App,
    Context,
    Depends,
    Fair,
    Invalid,
    Limit,
    Never,
    Outgoing,
    Retry,
    RunFailed,
    Snooze,
    context,
    options,
)
from penstock.testing import Rehearsal

Proceed = Callable[[], Awaitable[Any]]


def told(app: App) -> list[str]:
    """Two middlewares, and what each says when."""
    said: list[str] = []

    @app.around_attempt
    async def outer(ctx: Context, proceed: Proceed) -> Any:
        said.append(f"outer {ctx.task} {ctx.attempt}")
        try:
            return await proceed()
        finally:
            said.append("outer left")

    @app.around_attempt
    async def inner(ctx: Context, proceed: Proceed) -> Any:
        said.append("inner")
        returned = await proceed()
        said.append(f"inner got {returned}")
        return returned

    return said


async def test_the_first_registered_is_outermost_and_dependencies_are_inside(rehearsed: App, stage: Rehearsal) -> None:
    said = told(rehearsed)

    def provider() -> Generator[int]:
        said.append("dependency")
        yield 7
        said.append("dependency left")

    @rehearsed.task
    async def task(*, n: int = Depends(provider)) -> int:
        said.append("task")
        return n

    @rehearsed.task
    def in_thread(*, n: int = Depends(provider)) -> int:
        said.append("task")
        return n

    order = ["inner", "dependency", "task", "dependency left", "inner got 7", "outer left"]
    for one in (task, in_thread):
        assert await (await one.enqueue()).result() == 7
        assert said == [f"outer {one.name} 1", *order]
        said.clear()


async def test_what_comes_out_of_the_outermost_counts(rehearsed: App, stage: Rehearsal) -> None:
    """A result may be replaced, an error rescued, the task not called at all."""

    @rehearsed.around_attempt
    async def around(ctx: Context, proceed: Proceed) -> Any:
        if ctx.task == "skipped":
            return "not called"
        try:
            return f"{await proceed()}!"
        except LookupError as error:
            return f"rescued {error}"

    @rehearsed.task
    async def plain() -> str:
        return "hello"

    @rehearsed.task
    def in_thread() -> str:
        raise LookupError("it")

    @rehearsed.task
    async def skipped() -> str:
        raise AssertionError

    assert await (await plain.enqueue()).result() == "hello!"
    assert await (await in_thread.enqueue()).result() == "rescued it"
    assert await (await skipped.enqueue()).result() == "not called"


async def test_what_steers_a_run_steers_it_from_around_it(rehearsed: App, stage: Rehearsal) -> None:
    closed = [True]

    @rehearsed.around_attempt
    async def around(ctx: Context, proceed: Proceed) -> Any:
        if ctx.task == "forbidden":
            raise Never("not here")
        if closed:
            raise Snooze("1h")
        return await proceed()

    @rehearsed.task
    async def forbidden() -> None: ...

    @rehearsed.task
    def later() -> str:
        return "at last"

    with pytest.raises(RunFailed, match="not here"):
        await (await forbidden.enqueue()).result()
    run = await later.enqueue()
    await stage.drain()
    assert (await run.status()).state == "scheduled"
    closed.clear()
    await stage.advance("1h")
    assert await run.result() == "at last"


async def test_errors_go_through_and_each_attempt_has_its_own_turn(rehearsed: App, stage: Rehearsal) -> None:
    said = told(rehearsed)

    @rehearsed.task(retry=Retry(2, delay="1s", jitter=0))
    async def task() -> None:
        raise RuntimeError("no")

    @rehearsed.task(retry=Retry(1))
    def in_thread() -> None:
        raise StopIteration("odd")

    run = await task.enqueue()
    await stage.advance("1m")
    assert said == ["outer task 1", "inner", "outer left", "outer task 2", "inner", "outer left"]
    with pytest.raises(RunFailed, match="RuntimeError: no"):
        await run.result()
    with pytest.raises(RunFailed):
        await (await in_thread.enqueue()).result()


number: contextvars.ContextVar[int] = contextvars.ContextVar("number", default=0)


async def test_a_threads_code_sees_what_middleware_has_set_and_stays_in_its_thread(worked: App) -> None:
    threads: list[threading.Thread] = []

    @worked.around_attempt
    async def around(ctx: Context, proceed: Proceed) -> Any:
        assert context().run_id == ctx.run_id
        number.set(len(ctx.tags))
        threads.append(threading.current_thread())
        return await proceed()

    @worked.task
    def in_thread() -> tuple[int, str]:
        assert threading.current_thread() is not threads[0]
        return number.get(), context().task

    @worked.task
    async def on_loop() -> tuple[int, str]:
        assert threading.current_thread() is threads[0]
        return number.get(), context().task

    for task in (in_thread, on_loop):
        runs = [await task.opts(tags=[str(i) for i in range(n)]).enqueue() for n in range(5)]
        found = await asyncio.gather(*(run.result(timeout=20) for run in runs))
        assert found == [(n, task.name) for n in range(5)]


async def test_before_a_run_is_stored_each_has_a_say_in_order(app: App) -> None:
    @app.before_enqueue
    def stamp(run: Outgoing) -> Outgoing:
        return run.changed(tags=[*run.tags, "tenant:7"], priority=run.priority + 1)

    @app.before_enqueue
    def route(run: Outgoing) -> Outgoing | None:
        assert "tenant:7" in run.tags
        return run.changed(queue="large", delay="1h") if run.input["n"] > 9 else None

    @app.task(tags=["t"])
    async def task(n: int) -> None: ...

    small = await (await task.enqueue(1)).status()
    assert (small.queue, small.tags, small.priority, small.state) == ("default", ("t", "tenant:7"), 1, "queued")
    (large,) = await app.enqueue_many([task.opts(at=0).call(10)])
    status = await large.status()
    assert (status.queue, status.state, status.input) == ("large", "scheduled", {"n": 10})
    by_name = await (await app.enqueue("anything", n=1, unchecked=True)).status()
    assert by_name.tags == ("tenant:7",)


async def test_what_is_refused_before_is_not_stored(app: App) -> None:
    @app.before_enqueue
    def refuse(run: Outgoing) -> None:
        if run.key is None:
            raise PermissionError(f"{run.task} needs a key")

    @app.task
    async def task(n: int) -> None: ...

    with pytest.raises(PermissionError, match="task needs a key"):
        await task.enqueue(1)
    with pytest.raises(PermissionError):
        task.call(1)
    assert (await app.runs()).items == ()
    assert (await task.opts(key="k").enqueue(1)).created


async def test_runs_that_tasks_enqueue_go_the_same_way(worked: App) -> None:
    @worked.before_enqueue
    def stamp(run: Outgoing) -> Outgoing:
        return run.changed(tags=[run.task])

    @worked.task
    async def child() -> None: ...

    @worked.task
    def parent() -> str:
        return child.sync.enqueue().id

    run = await parent.enqueue()
    started = worked.run(await run.result(timeout=20))
    assert (await started.status()).tags == ("child",)


def plain_function(_: object, __: object) -> None: ...


async def coroutine_function(_: object) -> None: ...


def test_what_is_no_middleware_is_refused(rehearsed: App) -> None:
    nonsense: Any
    for nonsense in (7, plain_function):
        with pytest.raises(Invalid, match="around_attempt="):
            rehearsed.around_attempt(nonsense)
    for nonsense in (7, coroutine_function):
        with pytest.raises(Invalid, match="before_enqueue="):
            rehearsed.before_enqueue(nonsense)


@pytest.mark.parametrize(
    ("named", "parameter"),
    [({"queue": "a b"}, "queue"), ({"priority": 5000}, "priority"), ({"id": "x"}, "id"), ({"delay": "soon"}, "delay")],
)
async def test_what_can_not_be_changed_is_named(named: Any, parameter: str, app: App) -> None:
    @app.before_enqueue
    def odd(run: Outgoing) -> Outgoing:
        return run.changed(**named)

    with pytest.raises(Invalid) as refused:
        await app.enqueue("anything", unchecked=True)
    assert refused.value.parameter == parameter


async def test_what_returns_no_run_is_refused(app: App) -> None:
    def odd(_: Outgoing) -> Any:
        return "queue"

    app.before_enqueue(odd)
    with pytest.raises(Invalid, match=r"run\.changed"):
        await app.enqueue("anything", unchecked=True)


async def test_a_run_that_is_sent_to_another_queue_obeys_that_queue(url: str) -> None:
    """Its limits, its turn, its order and its dead-letter list are those of the queue in which it stands."""
    queues = {
        "default": options(limits=[Limit(1, name="of-default")]),
        "slow": options(limits=[Limit(2, name="of-slow")], dead_letter=True, fair=Fair("tenant", {"a": 3}), lifo=True),
    }
    app = App(url, queues=queues)

    @app.task(dead_letter=True, limits=[Limit(9, name="of-task")])
    async def work(tenant: str) -> None: ...

    @app.before_enqueue
    def to_slow(run: Outgoing) -> Outgoing | None:
        return run.changed(queue="slow") if run.priority == 0 else None

    async with app:
        moved, stayed = await work.enqueue("a"), await work.opts(priority=1).enqueue("a")
        found = await (await app._client.store()).get([moved.id, stayed.id])
    seen = [(one.queue, one.dead_letter, {ref.name for ref in one.limits}) for one in found if one is not None]
    assert seen == [
        ("slow", "slow-dlq", {"of-slow", "of-task"}),
        ("default", "default-dlq", {"of-default", "of-task"}),
    ]
    sent, kept = work.call("a").new, work.opts(priority=1, queue="slow", fair=None).call("a").new
    assert (sent.queue, sent.fair, sent.weight, sent.lifo) == ("slow", "a", 3, True)
    assert (kept.fair, kept.lifo) == (None, True)
    work_elsewhere = work.opts(priority=1).call("a").new
    assert (work_elsewhere.fair, work_elsewhere.lifo) == (None, False)
