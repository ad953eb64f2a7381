"""A run's stream over HTTP: where it begins, what it brings, how it ends."""

import asyncio
from collections.abc import Callable

import pytest

from penstock import App, Context, Invalid, inject
from penstock.web import events
from penstock.web.site import Site
from tests.web.visitor import Event, Visitor

API = "/api/v1"


class Told:
    """Lets a handler emit one chunk after another, each when it is told to; None ends it."""

    def __init__(self, app: App) -> None:
        self.chunks: asyncio.Queue[object] = asyncio.Queue()

        @app.task
        async def speak(*, ctx: Context = inject()) -> None:
            while (chunk := await self.chunks.get()) is not None:
                ctx.emit(chunk)

        self.task = speak

    def say(self, *chunks: object) -> None:
        for chunk in chunks:
            self.chunks.put_nowait(chunk)


@pytest.fixture
def told(app: App) -> Told:
    return Told(app)


async def until(there: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not there():  # noqa: ASYNC110 (a condition inside of the server)
            await asyncio.sleep(0.005)


async def heard(visitor: Visitor, run_id: str, **headers: str) -> list[Event]:
    async with visitor.reading(f"{API}/runs/{run_id}/stream", **headers) as reader:
        return [event async for event in reader.events()]


async def test_a_stream_begun_before_the_worker_brings_all_and_ends(app: App, told: Told, visitor: Visitor) -> None:
    """S2-29."""
    run = await told.task.enqueue()
    told.say("a", {"b": 1}, "two\nlines\r\n\n and \u2028", None)
    reading = asyncio.create_task(heard(visitor, run.id))
    async with app.worker():
        found = await reading
    assert [event.kind for event in found] == ["enqueued", "claimed", "chunk", "chunk", "chunk", "finished"]
    assert [event.data.get("data") for event in found[2:]] == [
        "a",
        {"b": 1},
        "two\nlines\r\n\n and \u2028",
        "succeeded",
    ]
    assert [event.id for event in found] == [event.data["seq"] for event in found] == [1, 2, 3, 4, 5, 6]


async def test_a_reader_that_comes_back_goes_on_after_the_last_event(app: App, told: Told, visitor: Visitor) -> None:
    """S2-30: everything after the cursor once, then what comes, then the end; then 204 says that there is no more."""
    run = await told.task.enqueue()
    found: list[Event] = []
    async with app.worker():
        for number in range(10):
            told.say(number)
            last = {"last_event_id": str(found[-1].id)} if found else {}
            async with visitor.reading(f"{API}/runs/{run.id}/stream", **last) as reader:
                async for event in reader.events():
                    found.append(event)
                    if event.data.get("data") == number:
                        break
        told.say(None)
        found += await heard(visitor, run.id, last_event_id=str(found[-1].id))
    assert [event.id for event in found] == list(range(1, 14))
    assert found[-1].kind == "finished"
    answer = await visitor.ask("GET", f"{API}/runs/{run.id}/stream", last_event_id=str(found[-1].id))
    assert (answer.status, answer.body) == (204, b"")
    assert [event.id for event in await heard(visitor, f"{run.id}", last_event_id="11")] == [12, 13]
    answer = await visitor.ask("GET", f"{API}/runs/{run.id}/stream?after=13")
    assert answer.status == 204


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "9" * 20])
async def test_an_event_id_that_is_none_is_refused(app: App, told: Told, visitor: Visitor, last: str) -> None:
    run = await told.task.enqueue()
    answer = await visitor.ask("GET", f"{API}/runs/{run.id}/stream", last_event_id=last)
    assert (answer.status, answer.document["parameter"]) == (422, "Last-Event-ID")


async def test_a_stream_whose_run_is_removed_says_so(app: App, told: Told, visitor: Visitor) -> None:
    run = await told.task.enqueue()
    async with visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        found = reader.events()
        assert (await anext(found)).kind == "enqueued"
        await run.remove()
        last = await anext(found)
        assert (last.kind, last.data["type"], last.data["status"]) == ("problem", "urn:penstock:problem:purged", 410)
        assert [event async for event in found] == []


async def test_a_slow_reader_is_waited_for_and_misses_nothing(app: App, told: Told, visitor: Visitor) -> None:
    """While it takes nothing, one line is on its way and the others stay in the store."""
    run = await told.task.enqueue()
    async with app.worker(), visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        found = reader.events()
        first = [await anext(found), await anext(found)]
        reader.taking.clear()
        told.say(*range(2000), None)
        await run.result(timeout=20)
        taken = reader.sent
        reader.taking.set()
        rest = [event async for event in found]
    assert taken <= 4  # the head, retry, and the two lines
    assert [event.data["data"] for event in rest[:-1]] == list(range(2000))
    assert [event.id for event in first + rest] == list(range(1, 2004))


async def test_a_reader_that_takes_nothing_is_left(
    app: App, told: Told, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "SLOWEST", 0.05)
    run = await told.task.enqueue()
    async with app.worker(), visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        assert (await anext(reader.events())).kind == "enqueued"
        reader.taking.clear()
        told.say("lost to this reader", None)
        await until(lambda: not len(streams(visitor)))
    assert [event.kind for event in await heard(visitor, run.id)][-1] == "finished"


async def test_silence_is_broken_by_comments_and_age_ends_a_stream(
    app: App, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.02)
    visitor = Visitor(app.asgi(stream_age=0.3))
    run = await told.task.enqueue()
    async with visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        bodies: list[bytes] = []
        while (message := await reader.piece()) is not None:
            bodies.append(message.get("body", b""))
    assert bodies[1] == events.RETRY
    assert bodies.count(b": \n\n") > 3
    assert bodies[-1] == b""  # ended as a whole: the reader comes again
    assert not streams(visitor)


async def test_a_server_that_stops_ends_its_streams(app: App, told: Told, visitor: Visitor) -> None:
    run = await told.task.enqueue()
    async with visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        assert (await anext(reader.events())).kind == "enqueued"
        streams(visitor).end()
        assert [event async for event in reader.events()] == []
    assert (await visitor.ask("GET", f"{API}/runs/{run.id}/stream")).status == 503


async def test_more_streams_than_allowed_are_refused(app: App, told: Told) -> None:
    visitor = Visitor(app.asgi(max_streams=1))
    run = await told.task.enqueue()
    async with visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        assert (await anext(reader.events())).kind == "enqueued"
        answer = await visitor.ask("GET", f"{API}/runs/{run.id}/stream")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    await until(lambda: not streams(visitor))
    async with visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
        assert (await anext(reader.events())).kind == "enqueued"


async def test_readers_that_leave_leave_nothing_behind(app: App, told: Told, visitor: Visitor) -> None:
    run = await told.task.enqueue()
    for _ in range(20):
        async with visitor.reading(f"{API}/runs/{run.id}/stream") as reader:
            assert (await anext(reader.events())).kind == "enqueued"
    assert not streams(visitor)
    connection = await app._client.here()
    assert connection.tails._tails == {}


@pytest.mark.parametrize("most", [0, -1, 1.5, True])
def test_a_number_of_streams_that_is_none_is_refused(most: int) -> None:
    with pytest.raises(Invalid, match="max_streams"):
        App("memory://").asgi(max_streams=most)


def streams(visitor: Visitor) -> events.Streams:
    assert isinstance(visitor.site, Site)
    return visitor.site.streams
