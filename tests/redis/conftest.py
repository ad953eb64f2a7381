"""Private servers, and links to them."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeAlias

import pytest

from penstock.backends.redis.address import parse
from penstock.backends.redis.link import Link
from tests.redis import service
from tests.redis.servers import Cluster, Server, newest, oldest

VERSIONS = {"new": newest, "6.2": oldest}

Linked: TypeAlias = Callable[[str], Link]


@pytest.fixture(scope="session", params=list(VERSIONS))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without persistence, of the newest and of the oldest version that we support."""
    service.check_there()
    binary = VERSIONS[request.param]()
    if not binary:
        pytest.skip(f"there is no Redis {request.param} on this platform")
    with Server(tmp_path_factory.mktemp("redis"), binary=binary) as started:
        yield started


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two nodes."""
    service.check_there()
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
async def linked() -> AsyncIterator[Linked]:
    """Makes links that are closed in the end."""
    links: list[Link] = []

    def make(url: str) -> Link:
        links.append(Link(parse(url)))
        return links[-1]

    yield make
    for link in links:
        await link.close()


@pytest.fixture
async def link(server: Server, linked: Linked) -> Link:
    """An open link to the server."""
    made = linked(server.url)
    await made.open()
    return made
