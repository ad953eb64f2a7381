"""Ids of runs, claims and leases.

A run's id is a UUIDv7 (sorts by creation), or what its caller says. What stands for something that may be created
twice, a child at its place in a workflow or a schedule's tick, is derived from that: a UUIDv8, a hash in a space of its
own that no caller may use. So every id of ours packs into 16 bytes.
"""

import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Sequence
from typing import Final

from penstock.core.errors import Invalid

_ALLOWED: Final = re.compile(r"[A-Za-z0-9_.:@/-]{1,200}")
_DERIVED: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_TAIL_BITS: Final = 74  # of a UUIDv7, below the milliseconds


class _Sequence:
    """The last id given out: later ones are larger, within a millisecond and when the clock steps back."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as a forked child must: it would go on where its parent does, and with a lock perhaps held."""
        self.lock = threading.Lock()
        self.last = 0
        self.chances: list[bytes] = []  # fetched many at a time: to ask the system costs more than all the rest

    def next(self) -> int:
        """48 bits of milliseconds, 74 of chance; in a millisecond already used, the last plus up to 2^40."""
        now = time.time_ns() // 1_000_000 << _TAIL_BITS
        with self.lock:
            if not self.chances:
                fresh = os.urandom(1_280)
                self.chances = [fresh[start : start + 10] for start in range(0, len(fresh), 10)]
            chance = int.from_bytes(self.chances.pop(), "big")
            if now > self.last:
                self.last = now | chance >> 7  # 73 bits: half the room is kept for successors
            else:
                self.last += 1 + (chance >> 40)
            return self.last


_sequence: Final = _Sequence()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_sequence.forget)


def _spelled(version: int, high: int, low: int) -> str:
    """A UUID of 48 + 12 bits above the variant and 62 below."""
    digits = "%032x" % (high >> 12 << 80 | version << 76 | (high & 0xFFF) << 64 | 1 << 63 | low)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_run_id() -> str:
    """A fresh UUIDv7, larger than every one this process made before; safe in threads and after a fork."""
    value = _sequence.next()
    return _spelled(7, value >> 62, value & 0x3FFF_FFFF_FFFF_FFFF)


def _derived(kind: str, *parts: str) -> str:
    """The UUIDv8 of the parts: lengths are hashed with them, so no two lists of parts read the same."""
    text = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
    value = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return _spelled(8, value >> 68, value & 0x3FFF_FFFF_FFFF_FFFF)


def child_id(parent_id: str, history: int, scope_path: Sequence[int | str], name: str, ordinal: int) -> str:
    """The id of the child at this place of this history: the same however often it is replayed."""
    path = [f"{type(place).__name__[0]}{place}" for place in scope_path]
    return _derived("child", parent_id, str(history), str(len(path)), *path, name, str(ordinal))


def tick_id(app: str, schedule: str, at: float) -> str:
    """The id of the run that a schedule's tick starts, so that no tick can start two. `at`: unix seconds."""
    return _derived("tick", app, schedule, str(round(at * 1_000_000)))


def check_run_id(value: object, parameter: str) -> str:
    """The value, if it may be some run's id: 1 to 200 of letters, digits and `_.:@/-`. Raises `Invalid` if not."""
    if not isinstance(value, str) or _ALLOWED.fullmatch(value) is None:
        raise Invalid(parameter, value, "an id is 1 to 200 ASCII letters, digits and _ . : @ / -")
    return value


def check_new_run_id(value: object, parameter: str) -> str:
    """As `check_run_id`, for the id a caller gives to a new run: those that we derive (UUIDv8) are refused, too."""
    name = check_run_id(value, parameter)
    if _DERIVED.fullmatch(name) is not None:
        raise Invalid(parameter, value, "UUIDs of version 8 are the ids of children and ticks: use any other version")
    return name


def new_claim_id() -> str:
    """A name for one claim call, so that repeating it brings the same runs."""
    return os.urandom(12).hex()


def new_token() -> str:
    """24 characters that nobody can guess: fit for a URL."""
    return secrets.token_urlsafe(18)
