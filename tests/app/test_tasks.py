"""Tasks: registered, called plainly, carried out with exactly the values that were given."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest

from penstock import App, Context, DuplicateTask, Invalid, InvalidInput, Retry, RunFailed, inject


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


class Parcel(msgspec.Struct):
    to: str
    weight: float


async def test_a_run_gives_its_waiter_what_the_task_returned(worked: App) -> None:
    """S2-01, S4-08."""

    @worked.task
    async def add(a: int, b: int) -> int:
        return a + b

    run = await add.enqueue(1, b=2)
    assert run.created
    assert await run.result(timeout=10) == 3
    status = await run.status()
    assert (status.state, status.attempts, status.input, status.result) == ("succeeded", 1, {"a": 1, "b": 2}, 3)


@pytest.mark.parametrize("value", [None, 0, False, "", [], {}, "naïve 🚿", 2**63, -(2**53) - 1, [{"a": [None, 0.5]}]])
async def test_plain_values_come_back_exactly(worked: App, value: Any) -> None:
    """B-058."""

    @worked.task
    async def echo(value: Any) -> Any:
        return value

    returned = await (await echo.enqueue(value)).result(timeout=10)
    assert returned == value
    assert type(returned) is type(value)


async def test_typed_values_come_back_as_annotated(worked: App) -> None:
    when = datetime(2026, 7, 1, 12, 30, 0, 123456, tzinfo=UTC)
    given = (
        when,
        timedelta(days=1, seconds=5),
        Decimal("1.10"),
        uuid.UUID(int=7),
        Colour.RED,
        b"\x00\xff",
        Point(1, 2),
    )

    @worked.task
    async def echo(
        a: datetime, b: timedelta, c: Decimal, d: uuid.UUID, e: Colour, f: bytes, g: Point
    ) -> tuple[datetime, timedelta, Decimal, uuid.UUID, Colour, bytes, Point]:
        return a, b, c, d, e, f, g

    assert await (await echo.enqueue(*given)).result(timeout=10) == given


async def test_structs_and_defaults_come_back_as_annotated(worked: App) -> None:
    @worked.task
    async def weigh(parcel: Parcel, factor: float = 2.0) -> Parcel:
        return Parcel(parcel.to, parcel.weight * factor)

    assert await (await weigh.enqueue(Parcel("a", 1.5))).result(timeout=10) == Parcel("a", 3.0)


async def test_a_result_that_cannot_be_stored_fails_the_run_at_once(worked: App) -> None:
    """B-059."""

    @worked.task(retry=Retry(5))
    async def bad() -> Any:
        return object()

    run = await bad.enqueue()
    with pytest.raises(RunFailed, match="OutputError"):
        await run.result(timeout=10)
    assert (await run.status()).attempts == 1

    @worked.task
    async def good() -> int:
        return 1

    assert await (await good.enqueue()).result(timeout=10) == 1


async def test_sync_and_async_tasks_are_handled_alike(worked: App) -> None:
    """B-060."""

    @worked.task(name="sync", retry=Retry(1))
    def in_thread(n: int) -> int:
        if n < 0:
            raise ValueError("below zero")
        return n + 1

    @worked.task(name="async", retry=Retry(1))
    async def on_loop(n: int) -> int:
        if n < 0:
            raise ValueError("below zero")
        return n + 1

    for task in (in_thread, on_loop):
        assert await (await task.enqueue(1)).result(timeout=10) == 2
        with pytest.raises(RunFailed, match="ValueError: below zero") as failed:
            await (await task.enqueue(-1)).result(timeout=10)
        assert failed.value.error_type == "ValueError"
        assert "in_thread" in failed.value.traceback or "on_loop" in failed.value.traceback


async def test_a_task_called_directly_is_the_plain_function(app: App) -> None:
    @app.task
    async def double(n: int) -> int:
        """Twice."""
        return 2 * n

    @app.task(name="triple")
    def triple(n: int) -> int:
        return 3 * n

    assert await double(2) == 4
    assert await double.fn(3) == 6
    assert triple(2) == triple.fn(2) == 6
    assert double.__doc__ == "Twice."
    assert double.__name__ == double.name == "double"
    assert (await app.runs()).items == ()


async def test_the_default_name_is_the_bare_one_and_a_second_is_refused(app: App) -> None:
    """S4-07."""

    def made() -> Callable[[], None]:
        def send() -> None: ...

        return send

    assert app.task(made()).name == "send"
    with pytest.raises(DuplicateTask, match=r"'send'.*test_tasks.py"):
        app.task(made())
    assert app.task(name="send.again")(made()).name == "send.again"


@pytest.mark.parametrize("name", ["", " ", "a b", "ä", "x" * 101, 7, "a/b"])
async def test_a_name_that_cannot_be_one_is_refused(app: App, name: Any) -> None:
    """S4-01."""
    with pytest.raises(Invalid, match="name="):

        @app.task(name=name)
        def task() -> None: ...


async def test_only_functions_with_readable_annotations_become_tasks(app: App) -> None:
    class Opaque:
        pass

    def opaque(it: Opaque) -> None: ...

    def generator() -> Any:
        yield 1

    for function, parameter in ((opaque, "it"), (generator, "task"), (Opaque, "task"), (print, "task")):
        with pytest.raises(Invalid) as refused:
            app.task(function)
        assert refused.value.parameter == parameter
    assert app._client.handlers == {}


@pytest.mark.parametrize(
    ("args", "named", "parameter"),
    [
        ((), {}, "n"),
        (("x",), {}, "n"),
        ((1, 2, 3), {}, "args"),
        ((1,), {"other": 1}, "other"),
        ((1,), {"n": 1}, "n"),
        ((None,), {}, "n"),
        ((1.5,), {}, "n"),
        ((1,), {"text": float("nan")}, "text"),
        ((1,), {"ctx": None}, "ctx"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_and_nothing_is_stored(
    app: App, args: tuple[Any, ...], named: dict[str, Any], parameter: str
) -> None:
    """S4-09."""

    @app.task
    async def task(n: int, *, text: str = "", ctx: Context = inject()) -> None: ...

    with pytest.raises(InvalidInput, match=parameter):
        await task.enqueue(*args, **named)
    assert (await app.runs()).items == ()


async def test_arguments_that_do_not_fit_at_the_worker_fail_the_run_without_retry(app: App, url: str) -> None:
    """S2-18."""

    @app.task(name="task", retry=Retry(5))
    async def task(n: int) -> int:
        return n

    run = await app.named("task").enqueue(1)
    await run.update_input(n=2)
    store = await app._client.store()
    (stored,) = await store.get([run.id])
    assert stored is not None
    assert stored.input == b'{"n":2}'
    forged = await app.named("elsewhere", unchecked=True).enqueue(n="text")

    @app.task(name="elsewhere", retry=Retry(5))
    async def elsewhere(n: int) -> int:
        return n

    await app.worker(burst=True).run()
    assert await run.result(timeout=10) == 2
    with pytest.raises(RunFailed, match="InvalidInput"):
        await forged.result(timeout=10)
    assert (await forged.status()).attempts == 1


async def test_what_is_too_large_or_too_deep_is_refused(app: App) -> None:
    @app.task
    async def take(it: Any) -> None: ...

    deep: Any = None
    for _ in range(70):
        deep = [deep]
    with pytest.raises(Invalid, match="1,048,576"):
        await take.enqueue("x" * 1_048_576)
    with pytest.raises(InvalidInput, match="nests deeper"):
        await take.enqueue(deep)
    assert (await app.runs()).items == ()
