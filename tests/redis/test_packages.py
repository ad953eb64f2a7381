"""What must be installed, and what happens where it is not."""

import subprocess
import sys

import pytest
import redis
import redis.asyncio

from penstock import App
from penstock.backends import address_of, open_store
from penstock.backends.redis import RedisStore

WITHOUT = """
import sys
sys.modules["{missing}"] = None  # as if it were not installed
from penstock.backends import open_store
open_store("{url}")
"""


@pytest.mark.parametrize("url", ["redis://localhost", "rediss://localhost", "unix:///r.sock"])
def test_without_hiredis_the_error_says_what_to_install(url: str) -> None:
    program = WITHOUT.format(missing="hiredis", url=url)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("penstock.core.errors.Invalid: url=")
    assert last.endswith('pip install "penstock[redis]"')


@pytest.mark.parametrize("missing", ["redis"])
def test_without_redis_py_nothing_is_missing(missing: str) -> None:
    program = WITHOUT.format(missing=missing, url="redis://localhost")
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("kind", [redis.Redis, redis.asyncio.Redis], ids=["plain", "asyncio"])
def test_a_client_of_redis_py_leads_to_a_store(kind: type[redis.Redis]) -> None:
    client = kind(host="host", port=7000, db=2, password="secret")
    store = open_store(client)
    assert isinstance(store, RedisStore)
    assert address_of(client) == "redis://host:7000/2"
    assert App(client).url == "redis://host:7000/2"
