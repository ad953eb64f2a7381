"""Runs by the task's name, from a program that has not its code: treated as the task's own app says."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from penstock import App, Failure, InvalidInput, Retry, options
from penstock.core.registry import Definition


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.db?fast=1"


def shop(url: str) -> App:
    """The app that has the code."""
    app = App(url, name="shop", defaults=options(crashes=7), queues={"mail": options(keep="7d")})

    @app.task
    async def complain(failure: Failure) -> None: ...

    @app.task(
        queue="mail",
        priority=4,
        delay="1h",
        expires="2h",
        deadline="1d",
        timeout="30s",
        retry=Retry(5, on=OSError),
        tags=["letter"],
        dead_letter="lost",
        key_ttl="1h",
        on_failure=complain,
    )
    async def send_mail(to: str) -> str:
        return to

    assert send_mail.queue == "mail"
    return app


async def test_a_call_by_name_is_treated_as_the_tasks_app_says(url: str) -> None:
    owner, stranger = shop(url), App(url)
    async with owner, stranger:
        await owner.worker(burst=True).run()
        there = await owner.enqueue("send_mail", "a@b.c")
        here = await stranger.enqueue("send_mail", "a@b.c")
        store = await stranger._client.store()
        first, second = await store.get([there.id, here.id])
        assert first is not None
        assert second is not None
        own = {"id", "enqueued_at", "since_at", "due_at", "expires_at", "deadline_at"}
        told = {name: getattr(first, name) for name in first.__struct_fields__ if name not in own}
        assert told == {name: getattr(second, name) for name in told}
        assert (second.queue, second.priority, second.tags, second.dead_letter) == ("mail", 4, ("letter",), "lost")
        assert (second.keep.succeeded, second.max_crashes) == (7 * 86_400.0, 7)
        assert second.due_at == pytest.approx(second.enqueued_at + 3600)


async def test_what_the_call_says_stands_and_the_callers_app_fills_the_gaps(url: str) -> None:
    owner = shop(url)
    stranger = App(url, defaults=options(priority=-5, crashes=2, tags=["from elsewhere"]))
    async with owner, stranger:
        await owner.worker(burst=True).run()
        run = await stranger.named("send_mail").opts(queue="slow", priority=9, tags=["now"]).enqueue("a@b.c")
        status = await run.status()
        assert (status.queue, status.priority) == ("slow", 9)
        assert set(status.tags) == {"from elsewhere", "letter", "now"}


async def test_a_declaration_says_how_runs_are_treated(url: str) -> None:
    """S4-02."""
    async with shop(url) as owner:
        await owner.worker(burst=True).run()
        known = {one.task: one for one in await owner.definitions()}
        said: dict[str, Any] = known["send_mail"].options
        assert (said["queue"], said["attempts"], said["timeout"], said["priority"]) == ("mail", 5, 30.0, 4)
        assert said["on_failure"] == {"task": "complain", "queue": "default", "version": ""}
        assert known["complain"].options == {"queue": "default", "crashes": 7}


async def test_a_failure_by_name_is_reported_as_the_task_wishes(url: str) -> None:
    app, told = App(url, name="shop"), list[Failure]()

    @app.task
    async def complain(failure: Failure) -> None:
        told.append(failure)

    @app.task(retry=Retry(1), on_failure=complain)
    async def explode() -> None:
        raise RuntimeError("no")

    async with app, App(url) as stranger:
        await app.worker(burst=True).run()
        run = await stranger.enqueue("explode")
        await app.worker(burst=True).run()
        assert [one.run_id for one in told] == [run.id]


async def test_a_task_that_a_worker_learns_later_is_declared_at_once(url: str) -> None:
    app = App(url)

    async with app, App(url) as stranger, app.worker() as worker:
        await stranger.enqueue("early", unchecked=True)

        @app.task(queue="late")
        async def later(n: int) -> int:
            return n

        @app.task
        async def early() -> None: ...

        await (await app.enqueue("early")).result(timeout=20)  # the worker has registered what it has learned
        assert worker.health().ok
        known: dict[str, str] = {}
        while "later" not in known:
            known = {one.task: one.queue for one in await stranger.definitions()}
        assert known == {"later": "late", "early": "default"}
        assert (await (await stranger.enqueue("later", 3)).status()).queue == "late"
        assert later.queue == "late"
        assert early.queue == "default"


async def test_what_an_older_version_declared_still_has_its_queue(url: str) -> None:
    """Stored before definitions carried options."""
    async with App(url) as app:
        store = await app._client.store()
        await store.register(None, [Definition(task="old", queue="far")])
        run = await app.enqueue("old", n=1)
        assert (await run.status()).queue == "far"
        (known,) = await app.definitions()
        assert known.options == {}


class Colour(Enum):
    RED = "red"


@dataclass
class Line:
    sku: str
    n: Annotated[int, msgspec.Meta(gt=0)] = 1
    price: Decimal = Decimal(1)


@dataclass
class Order:
    id: UUID
    lines: list[Line]
    at: datetime | None = None
    took: timedelta = timedelta(seconds=1)
    tags: frozenset[str] = frozenset()
    pair: tuple[int, str] = (1, "a")
    by: dict[int, Line] | None = None
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    raw: bytes = b"\x00"
    weight: float = 1


def declaring(url: str) -> App:
    app = App(url, name="orders")

    @app.task
    async def take(order: Order, *more: int, other: Order | None = None, **named: Line) -> None: ...

    return app


async def test_what_the_code_takes_is_taken_by_name(url: str) -> None:
    owner, stranger = declaring(url), App(url)
    order = Order(
        UUID(int=5),
        [Line("a"), Line("b", 2)],
        datetime(2030, 1, 1, tzinfo=UTC),
        by={1: Line("c")},
        tags=frozenset("ab"),
    )
    async with owner, stranger:
        await owner.worker(burst=True).run()
        run = await owner.enqueue("take", order, 1, 2, other=order, extra=Line("d"))
        (stored,) = await (await stranger._client.store()).get([run.id])
        assert stored is not None
        again = await stranger.enqueue("take", **msgspec.json.decode(stored.input))
        same = await stranger.enqueue("take", order, other=order, extra=Line("d"))
        assert [(await one.status()).state for one in (again, same)] == ["queued", "queued"]


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ({"lines": []}, r"order\.id='nothing' is refused: take needs it"),
        ({"id": "i", "lines": "a"}, r"order\.lines='a' is refused: take takes array here"),
        ({"id": "i", "lines": [{"sku": "a"}, {"sku": 5}]}, r"order\.lines\[1\]\.sku=5 is refused: take takes string"),
        ({"id": "i", "lines": [{"sku": "a", "n": 0}]}, r"order\.lines\[0\]\.n=0 is refused: .* a number above 0 here"),
        ({"id": "i", "lines": [], "kind": "c"}, r"order\.kind='c' is refused: take takes one of 'a', 'b' here"),
        ({"id": "i", "lines": [], "by": {"1": None}}, r"order\.by\.1=None is refused: take takes object here"),
    ],
)
async def test_what_lies_deeper_is_checked_as_well(url: str, order: object, told: str) -> None:
    """S4-09: refused before anything is stored, naming the value and what is wanted there."""
    owner, stranger = declaring(url), App(url)
    async with owner, stranger:
        await owner.worker(burst=True).run()
        with pytest.raises(InvalidInput, match=told):
            await stranger.enqueue("take", order=order)
        assert (await stranger.runs()).items == ()
