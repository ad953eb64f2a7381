"""An app beside an ASGI application: open while that serves, with a worker where the app's mode says so.

Knows the shape of a lifespan, and no framework.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeAlias

from penstock.app.where import Mode
from penstock.app.working import Worker

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[None]]  # of the ASGI application


class Served(Protocol):
    """What is needed of an app."""

    @property
    def mode(self) -> Mode: ...

    @property
    def rehearsed(self) -> bool: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


def lifespan(app: Served, new_worker: Callable[[], Worker]) -> Lifespan:
    """What Starlette and FastAPI take as `lifespan=`."""

    @asynccontextmanager
    async def serving(_: Any) -> AsyncGenerator[None]:
        if app.rehearsed:  # its store is the test's, and so is who works
            yield
            return
        await app.open()
        try:
            if app.mode == "enqueue":
                yield
            else:
                async with new_worker():
                    yield
        finally:
            await app.close()

    return serving
