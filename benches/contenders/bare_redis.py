"""What Redis itself gives at this moment: a script of five commands, one by one and a hundred in a write. No queue."""

import time
from pathlib import Path
from typing import Final

from benches.contenders.meter import FILLER, Figures, main, rate, repeated
from benches.contenders.server_side import Asked

PORTION: Final = 100  # calls in one write
SCRIPT: Final = """
local id = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2] .. id, 'input', ARGV[1])
redis.call('ZADD', KEYS[3], id, id)
redis.call('HINCRBY', KEYS[4], 'queued', 1)
redis.call('EXISTS', KEYS[5])
return id
"""
KEYS: Final = ("{bare}:serial", "{bare}r", "{bare}:queue", "{bare}:counts", "{bare}:paused")


def enqueue_one(folder: Path, count: int) -> Figures:
    del folder
    with Asked() as asked:
        script = asked.ask("SCRIPT", "LOAD", SCRIPT)
        done, began = 0, time.monotonic()
        for number in repeated(count):
            asked.ask("EVALSHA", str(script), len(KEYS), *KEYS, FILLER)
            done = number + 1
        return rate(done, time.monotonic() - began)


def enqueue_many(folder: Path, count: int) -> Figures:
    del folder
    with Asked() as asked:
        script = asked.ask("SCRIPT", "LOAD", SCRIPT)
        call = asked.coded("EVALSHA", str(script), len(KEYS), *KEYS, FILLER) * PORTION
        done, began = 0, time.monotonic()
        for _ in repeated(count // PORTION):
            asked.send_coded(call)
            for _ in range(PORTION):
                asked.answer()
            done += PORTION
        return rate(done, time.monotonic() - began)


if __name__ == "__main__":
    main({measure.__name__: measure for measure in (enqueue_one, enqueue_many)}, {})
