"""What one awaited command to Redis costs: redis-py beside our own link, in turns, in one run.

`python benches/link.py [ROUNDS]`: microseconds of this process's processor and of the clock, medians of the rounds,
one by one and from many callers at once. The server is a private one; the command is a script of one line.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import redis.asyncio

ROOT: Final = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from penstock.backends.redis.address import parse  # noqa: E402 (run as a program, from anywhere)
from penstock.backends.redis.link import Link  # noqa: E402
from penstock.backends.redis.script import Script  # noqa: E402
from tests.redis.servers import Server  # noqa: E402

ECHO: Final = Script("echo", "return ARGV[1]")
PAYLOAD: Final = b"x" * 100
CALLS: Final = {1: 4_000, 50: 20_000, 100: 20_000}  # by the number of callers

Ask: TypeAlias = Callable[[], Awaitable[object]]


async def measured(ask: Ask, callers: int) -> tuple[float, float]:
    """Microseconds of processor and of the clock for one command."""
    each = CALLS[callers] // callers

    async def call() -> None:
        for _ in range(each):
            await ask()

    clock, processor = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call() for _ in range(callers)))
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return processor / (each * callers) * 1e6, clock / (each * callers) * 1e6


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        link = Link(parse(server.url))
        await link.open()
        client: Any = cast("Any", redis.asyncio.Redis)(host="127.0.0.1", port=server.port)
        await client.script_load(ECHO.text)
        contenders: dict[str, Ask] = {
            "redis-py": lambda: client.evalsha(ECHO.sha, 1, b"k", PAYLOAD),
            "ours": lambda: link.run(ECHO, [b"k"], [PAYLOAD]),
        }
        found: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for _ in range(rounds + 1):  # the first is for warming up
            for callers in CALLS:
                for name, ask in contenders.items():
                    found.setdefault((name, callers), []).append(await measured(ask, callers))
        await client.aclose()
        await link.close()
    print("µs a command        processor   clock")
    for (name, callers), rows in found.items():
        processor, clock = (statistics.median(values) for values in zip(*rows[1:], strict=True))
        print(f"{name:9} {callers:4} callers {processor:9.1f} {clock:7.1f}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
