"""Work that belongs to none of those who ask for it. Knows no run."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")


def aside(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task in an empty context, where no run is current: it does not end with the code that began it."""
    return asyncio.get_running_loop().create_task(work, context=Context())
