"""An app with a real store, in which graphs run."""

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from penstock import App
from penstock.testing import Rehearsal
from tests.conftest import BACKENDS
from tests.redis import service


@pytest.fixture(params=BACKENDS)
async def app(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """An app where nothing is stored yet, on each backend; in the end its store is sound."""
    backend: str = request.param
    if find_spec(f"penstock.backends.{backend.partition('-')[0]}.store") is None:
        pytest.skip(f"{backend} is not here")
    url = "memory://" if backend == "memory" else f"{backend}:///{tmp_path}/app.db"
    if backend.startswith("redis"):
        monkeypatch.setenv("PENSTOCK_NAMESPACE", service.new_namespace(backend))
        url = service.url_of(backend)
    app = App(url)
    yield app
    problems = await app.check()
    await app.close()
    assert problems == []


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
