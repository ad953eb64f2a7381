"""The Redis and the Cluster that tests of stores share: namespaces of their own in them, gone when a test has ended.

PENSTOCK_TEST_REDIS_URL names the Redis; else it is the one on the standard port; else a private one is started. A
Cluster is always private. Where none can be had, CI fails, and a laptop skips.
"""

import atexit
import os
import secrets
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import pytest
import redis

from tests.redis.servers import Cluster, Server, newest

STANDARD: Final = "redis://127.0.0.1:6379/0?allow_volatile=1"

_used: Final[set[tuple[str, str]]] = set()


def url_of(backend: str) -> str:
    """Where `redis` or `redis-cluster` is."""
    return _cluster().url if backend == "redis-cluster" else _url()


def new_namespace(backend: str) -> str:
    """One that nobody has used; `clean` empties it."""
    namespace = f"t-{secrets.token_hex(6)}"
    _used.add((backend, namespace))
    return namespace


def clean() -> None:
    """Delete every key of the namespaces used since the last call."""
    while _used:
        backend, namespace = _used.pop()
        for client in _clients(backend):
            keys: list[bytes] = list(client.scan_iter(match=f"*{{{namespace}}}*", count=10_000))
            for start in range(0, len(keys), 1000):
                client.unlink(*keys[start : start + 1000])


@cache
def _url() -> str:
    named = os.environ.get("PENSTOCK_TEST_REDIS_URL")
    if named:
        return named
    try:
        _client(STANDARD).ping()
    except redis.RedisError:
        return _private().url
    return STANDARD


@cache
def _private() -> Server:
    check_there()
    server = Server(_folder()).start()
    atexit.register(server.stop)
    return server


@cache
def _cluster() -> Cluster:
    check_there()
    cluster = Cluster(_folder())
    atexit.register(cluster.stop)
    return cluster.start()


@cache
def _clients(backend: str) -> list[Any]:
    if backend == "redis-cluster":
        return [_client(node.url) for node in _cluster().nodes]
    return [_client(_url())]


def _client(url: str) -> Any:
    plain = url.partition("?")[0]  # without what only Penstock understands
    return cast("Any", redis.Redis).from_url(plain, socket_timeout=10.0)


def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="penstock-redis-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return Path(folder.name)


def check_there() -> None:
    """Tests start servers of their own: where there is no redis-server, CI fails, and a laptop skips."""
    if newest():
        return
    missing = "no Redis: set PENSTOCK_TEST_REDIS_URL, start one on the standard port, or install redis-server"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
