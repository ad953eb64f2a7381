"""Apps on every backend, audited when a test ends; and apps in rehearsal, where time is moved by hand."""

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from penstock import App
from penstock.testing import Rehearsal
from tests.conftest import BACKENDS
from tests.redis import service


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where nothing is stored yet, on each backend."""
    backend: str = request.param
    if backend == "memory":
        return "memory://"
    if find_spec(f"penstock.backends.{backend.partition('-')[0]}.store") is None:
        pytest.skip(f"{backend} is not here")
    if backend.startswith("redis"):
        monkeypatch.setenv("PENSTOCK_NAMESPACE", service.new_namespace(backend))
        return service.url_of(backend)
    return f"{backend}:///{tmp_path}/app.db"


@pytest.fixture
async def app(url: str) -> AsyncIterator[App]:
    """An app without tasks and without a worker."""
    app = App(url)
    yield app
    problems = await app.check()
    await app.close()
    assert problems == []


@pytest.fixture
async def worked(app: App) -> AsyncIterator[App]:
    """An app with a worker, which learns of tasks as they are registered."""
    async with app.worker(queues=["default", "other"], lease="3s"):
        yield app


@pytest.fixture
def rehearsed() -> App:
    """An app to be used within `app.testing()`."""
    return App("memory://")


@pytest.fixture
async def stage(rehearsed: App) -> AsyncIterator[Rehearsal]:
    """The rehearsal of that app."""
    async with rehearsed.testing() as stage:
        yield stage
        assert await stage.check() == []
