"""Which event loop a program of ours runs on: asyncio's own, or uvloop where that is asked for."""

import asyncio
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any, Final, TypeVar

from penstock.core.errors import Invalid

T = TypeVar("T")

LOOPS: Final = ("asyncio", "uvloop")


def check_loop(name: object) -> str:
    """The name, if such a loop can be had here. Raises `Invalid` if not."""
    if name not in LOOPS:
        raise Invalid("loop", name, f"one of {', '.join(LOOPS)}")
    if name == "uvloop" and find_spec("uvloop") is None:
        raise Invalid("loop", name, "it is not installed: pip install penstock[uvloop]")
    return str(name)


def run(work: Coroutine[Any, Any, T], loop: str = "asyncio") -> T:
    """What the work returns, done on such a loop, which ends with it."""
    if loop == "asyncio":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 (an extra)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
