"""The stage of each test."""

from collections.abc import AsyncIterator

import pytest

from tests.workflows.support import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage
