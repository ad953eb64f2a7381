"""What the crash tests share: the seed of their choices, named by every failure, and a way to say what happened."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.crash.place import BACKEND, tell_url
from tests.redis.servers import Cluster, Server

Tell: TypeAlias = Callable[[str], None]


@pytest.fixture(autouse=True)
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    """The servers behind the store: none for a file, one Redis, or a Cluster of two; they keep what they have."""
    if BACKEND == "sqlite":
        yield []
        return
    if BACKEND == "redis":
        with Server(tmp_path / "redis", "--appendfsync", "always", aof=True) as server:
            tell_url(tmp_path, server.url)
            yield [server]
        return
    with Cluster(tmp_path / "redis", "--appendfsync", "always", aof=True) as cluster:
        tell_url(tmp_path, cluster.url)
        yield cluster.nodes


@pytest.fixture
def seed() -> int:
    """CRASH_SEED, or a new one."""
    return int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1 << 30))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Print, whether the test fails or not."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(text)  # noqa: T201 (counts and bounds are what these tests are run for)

    return say
