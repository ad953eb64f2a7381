"""Ticks for other services: signed, sent again as long as that may help, and to nowhere that is not for everybody."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import msgspec
import pytest
import trustme

from penstock import App, Dispatched, Dispatcher, DispatchFailed, Invalid, Retry, RetryIn, Run, RunFailed
from penstock.app import posting
from penstock.app.dispatching import LATEST, _judged
from penstock.app.posting import Answered, target_of
from penstock.app.signatures import signed
from penstock.core.addresses import is_public

SECRET = "a secret of enough characters"
PATIENCE = 20.0
AT_ONCE = Retry(5, on=DispatchFailed, delay=0)


class Service:
    """Another service: answers what it is told to, and remembers what it was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.says: list[bytes] = []  # in turn; then always 204
        self.heard: list[tuple[bytes, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ticks/rates?x=1"

    @asynccontextmanager
    async def open(self, context: ssl.SSLContext | None = None) -> AsyncGenerator["Service"]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *lines = head.decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.heard.append((line.encode(), headers, body))
        say = self.says.pop(0) if self.says else answer(204)
        if say:
            writer.write(say)
            await writer.drain()
        else:
            await reader.read()  # silence, until the other side has enough
        writer.close()


def answer(status: int, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} So", *headers, "Content-Length: 0", "", ""]).encode()


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service().open() as found:
        yield found


@pytest.fixture
async def worked_app() -> AsyncIterator[App]:
    app = App("memory://", name="shop")
    async with app.worker():
        yield app
    await app.close()


def allowed(app: App, **named: Any) -> Dispatcher:
    said: dict[str, Any] = {"secret": SECRET, "allow_private": ["127.0.0.1"], "retry": AT_ONCE, **named}
    return app.dispatcher(**said)


async def sent(app: App, dispatcher: Dispatcher, url: str, **arguments: Any) -> Run[Any]:
    [run] = await app.enqueue_many([dispatcher.call(url, "refresh", arguments)])
    return run


async def test_a_tick_reaches_the_service_signed(worked_app: App, service: Service) -> None:
    dispatcher = allowed(worked_app)
    plan = {"cron": "0 3 * * *", "start": 1_700_000_000}
    await worked_app.schedules.create("rates", dispatcher.call(service.url, "refresh", {"all": True}), **plan)  # type: ignore[arg-type]
    run = await worked_app.schedules.trigger("rates")
    assert (await run.result(timeout=PATIENCE)) == Dispatched(status=204)
    [(line, headers, body)] = service.heard
    assert line == b"POST /ticks/rates?x=1 HTTP/1.1"
    assert headers["host"] == f"127.0.0.1:{service.port}"
    assert headers["penstock-run"] == run.id
    document = msgspec.json.decode(body)
    now = (await worked_app.info()).now
    assert (document["task"], document["input"]) == ("refresh", {"all": True})
    assert now - 60 < document["at"] <= now
    assert signed(SECRET.encode(), headers["penstock-signature"], body, now=now)
    assert not signed(b"another secret of enough characters", headers["penstock-signature"], body, now=now)


@pytest.mark.parametrize(
    "first",
    [answer(503), answer(500), answer(429), b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200", answer(503, "Retry-After: 0")],
    ids=["503", "500", "429", "no HTTP", "cut off", "later"],
)
async def test_what_may_help_is_tried_again(worked_app: App, service: Service, first: bytes) -> None:
    """S2-40: every attempt says the same moment."""
    service.says = [first, answer(103) + answer(202)]
    run = await sent(worked_app, allowed(worked_app), service.url)
    assert (await run.result(timeout=PATIENCE)) == Dispatched(status=202)
    bodies = {body for _, _, body in service.heard}
    assert (len(service.heard), len(bodies)) == (2, 1)


async def test_silence_is_tried_again(worked_app: App, service: Service) -> None:
    """S2-40."""
    service.says = [b""]
    run = await sent(worked_app, allowed(worked_app, timeout=0.2), service.url)
    assert (await run.result(timeout=PATIENCE)) == Dispatched(status=204)


async def test_nobody_there_is_tried_again_and_fails_in_the_end(worked_app: App, service: Service) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    run = await sent(
        worked_app, allowed(worked_app, retry=Retry(2, on=DispatchFailed, delay=0)), f"http://127.0.0.1:{port}"
    )
    with pytest.raises(RunFailed, match="DispatchFailed"):
        await run.result(timeout=PATIENCE)
    assert len(await run.attempts()) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 408, 410, 422, 301, 302, 307])
async def test_what_would_not_help_is_not_tried_again(worked_app: App, service: Service, status: int) -> None:
    """S2-40. A redirect is not followed: it could lead anywhere."""
    service.says = [answer(status, f"Location: http://127.0.0.1:{service.port}/elsewhere")]
    run = await sent(worked_app, allowed(worked_app), service.url)
    with pytest.raises(RunFailed, match=str(status)):
        await run.result(timeout=PATIENCE)
    assert len(service.heard) == 1


def test_who_asks_for_time_gets_it_within_reason() -> None:
    with pytest.raises(RetryIn) as later:
        _judged("http://localhost", Answered(429, {"retry-after": "120"}))
    assert later.value.delay == 120
    for odd in ("Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1e9", str(int(LATEST) + 1), "\u0661"):
        with pytest.raises(DispatchFailed):
            _judged("http://localhost", Answered(503, {"retry-after": odd}))


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::80ff:fffe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_for_everybody_are_known_in_every_disguise(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_open_internet_are_known(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"])
async def test_this_machine_is_not_reached_under_any_name(worked_app: App, service: Service, host: str) -> None:
    run = await sent(worked_app, allowed(worked_app, allow_private=[]), f"http://{host}:{service.port}/")
    with pytest.raises(RunFailed, match=r"open internet|DispatchFailed"):
        await run.result(timeout=PATIENCE)
    assert service.heard == []


async def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """From now on names lead there, one answer after another; the names that were asked for."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


async def test_one_private_address_among_others_spoils_the_name(
    worked_app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resolving(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    run = await sent(worked_app, allowed(worked_app, allow_private=[]), f"http://example.com:{service.port}/")
    with pytest.raises(RunFailed, match=r"leads to 127\.0\.0\.1"):
        await run.result(timeout=PATIENCE)
    assert (await run.status()).failures == 1


async def test_what_was_checked_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere when it is asked for again is asked for once."""
    asked = await resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    connected: list[str] = []

    async def connect(host: str, port: int, **_: Any) -> Any:
        connected.append(host)
        raise OSError("far away")

    monkeypatch.setattr(asyncio, "open_connection", connect)
    with pytest.raises(posting.Unreached, match="far away"):
        await posting.post(target_of("https://example.com/"), b"", {}, private=[], timeout=5)
    assert (asked, connected) == (["example.com"], ["8.8.8.8"])


async def test_a_host_or_a_network_may_be_allowed_by_name(
    worked_app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resolving(monkeypatch, ["127.0.0.1"])
    for number, place in enumerate(("example.org", "127.0.0.0/8")):
        dispatcher = allowed(worked_app, name=f"d{number}", allow_private=[place])
        run = await sent(worked_app, dispatcher, f"http://example.org:{service.port}/")
        assert (await run.result(timeout=PATIENCE)) == Dispatched(status=204)
    assert service.heard[0][1]["host"] == f"example.org:{service.port}"


async def test_a_certificate_is_checked_for_the_name_and_not_the_address(
    worked_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("example.org").configure_cert(theirs)  # pyright: ignore[reportUnknownMemberType]
    authority.configure_trust(ours)  # pyright: ignore[reportUnknownMemberType]
    await resolving(monkeypatch, ["127.0.0.1"])
    names = ["example.org", "localhost"]
    dispatcher = allowed(worked_app, allow_private=names, tls=ours, retry=Retry(1))
    async with Service().open(theirs) as service:
        run = await sent(worked_app, dispatcher, f"https://example.org:{service.port}/")
        assert (await run.result(timeout=PATIENCE)) == Dispatched(status=204)
        run = await sent(worked_app, dispatcher, f"https://localhost:{service.port}/")
        with pytest.raises(RunFailed, match="certificate"):
            await run.result(timeout=PATIENCE)
        assert len(service.heard) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http://" + "user:secret@" + "example.com/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com/a b",
        "http://example.com/\r\nHost: evil",
        "http://" + "r\u00e4tes.org/",
        "http://" + "[::1/",
        "http://" + "a" * 2000,
        None,
    ],
)
async def test_a_url_that_is_none_is_refused_before_anything_is_stored(worked_app: App, url: Any) -> None:
    with pytest.raises(Invalid, match="url"):
        allowed(worked_app).call(url, "refresh")


@pytest.mark.parametrize(
    ("named", "parameter"),
    [
        ({"secret": "short"}, "secret"),
        ({"allow_private": ["http://localhost"]}, "allow_private"),
        ({"allow_private": [7]}, "allow_private"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_options_that_are_refused_are_named(named: dict[str, Any], parameter: str) -> None:
    with pytest.raises(Invalid) as refused:
        App("memory://").dispatcher(**named)
    assert refused.value.parameter == parameter
    assert "short" not in str(refused.value)


async def test_the_secret_may_come_from_the_environment(
    worked_app: App, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = allowed(worked_app, secret=None, retry=Retry(1))
    run = await sent(worked_app, dispatcher, service.url)
    with pytest.raises(RunFailed, match="PENSTOCK_DISPATCH_SECRET"):
        await run.result(timeout=PATIENCE)
    assert service.heard == []
    monkeypatch.setenv("PENSTOCK_DISPATCH_SECRET", SECRET)
    run = await sent(worked_app, dispatcher, service.url)
    assert (await run.result(timeout=PATIENCE)) == Dispatched(status=204)
