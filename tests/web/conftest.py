"""A served app in memory, and somebody who asks it."""

from collections.abc import AsyncIterator

import pytest

from penstock import App
from tests.web.visitor import Visitor

SECRET = "a secret of enough characters"
DISPATCH_SECRET = "another secret of enough characters"


@pytest.fixture
async def app() -> AsyncIterator[App]:
    """An app with one task, `add`, and no worker."""
    app = App("memory://", name="shop")

    @app.task
    async def add(a: int, b: int) -> int:
        return a + b

    yield app
    problems = await app.check()
    await app.close()
    assert problems == []


@pytest.fixture
def visitor(app: App) -> Visitor:
    """Asks from this machine; there is no token."""
    return Visitor(app.asgi(secret=SECRET, dispatch_secret=DISPATCH_SECRET))
