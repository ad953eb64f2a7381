"""The stage of each test, and an app with a real store."""

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from penstock import App
from tests.conftest import BACKENDS
from tests.redis import service
from tests.workflows.support import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


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
