"""Plain runs on their way into the store: the arguments of enqueue.lua. Each is a key and two texts, no more."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from penstock.backends.redis import encode
from penstock.backends.redis.calls import Calls, Made
from penstock.backends.redis.refs import ref_of
from penstock.backends.redis.scripts import script
from penstock.backends.redis.wire import Value
from penstock.core.run import NewRun

_FIXED: Final = (b":meta", b":serial", b":counts", b":terms", b":termno")


@lru_cache(maxsize=4096)
def _heads(prefix: bytes, shared: encode.Shared) -> tuple[list[bytes], list[Value]]:
    """Keys and arguments of a lone run that are the same for all of its task."""
    queue = shared[1].encode()
    keys = [*(prefix + name for name in _FIXED), prefix + b":new:" + queue, prefix + b":bell:" + queue]
    return keys, [1, encode.term_text(shared), queue, b"\1"]


def made_alone(calls: Calls, new: NewRun) -> Made:
    """The call that stores one."""
    keys, args = _heads(calls.prefix, encode.shared(new))
    own = calls.prefix + b"r" + ref_of(new.id)
    return script("enqueue"), [*keys, own, calls.nothing], [calls.prefix, calls.now, *args, new.options, new.input]


def made(calls: Calls, runs: Sequence[NewRun]) -> Made:
    """The call that stores them."""
    prefix = calls.prefix
    terms: dict[encode.Shared, int] = {}
    which = bytearray()
    data: list[Value] = []
    for new in runs:
        shared = encode.shared(new)
        number = terms.get(shared)
        if number is None:
            number = terms[shared] = len(terms) + 1
        which.append(number)
        data += (new.options, new.input)
    keys = [prefix + name for name in _FIXED]
    args: list[Value] = [prefix, calls.now, len(terms)]
    for shared in terms:
        queue = shared[1].encode()
        keys += (prefix + b":new:" + queue, prefix + b":bell:" + queue)
        args += (encode.term_text(shared), queue)
    keys += (*calls.run_keys([new.id for new in runs]), calls.nothing)
    return script("enqueue"), keys, [*args, bytes(which), *data]
