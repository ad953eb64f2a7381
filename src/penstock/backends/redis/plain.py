"""Plain runs as they are stored: bytes with their fields in fixed places. Knows no term and no record."""

import struct
from typing import Any, Final

HEAD: Final = struct.Struct(">cB3s6s7sH")  # as PLAIN in _start.lua: state, flags, term, rank, moment, length of options
COUNTED: Final = 128  # the flag, as there


def number(raw: bytes) -> int:
    """The number that is packed so."""
    return int.from_bytes(raw, "big")


def plain(stored: bytes) -> dict[str, Any]:
    """The fields by name, moments and ranks as numbers; `watched`: all flags."""
    state, watched, term, rank, enqueued_at, size = HEAD.unpack_from(stored)
    at = number(enqueued_at)
    found: dict[str, Any] = {"state": state, "term": number(term), "rank": number(rank), "enqueued_at": at}
    found["watched"] = watched
    body = stored[HEAD.size :]
    if state == b"q":
        found |= {"since_at": at, "options": body[:size], "input": body[size:]}
    elif state == b"r":
        found |= _running(body, size)
    else:
        found |= _succeeded(body, size)
    return found


def _running(body: bytes, size: int) -> dict[str, Any]:
    started = number(body[:7])
    token, rest = _cut(body[7:])
    worker, rest = _cut(rest)
    found: dict[str, Any] = dict.fromkeys(("started_at", "since_at", "first_claimed_at", "fence"), started)
    return found | {"claims": 1, "token": token, "worker": worker, "options": rest[:size], "input": rest[size:]}


def _succeeded(body: bytes, size: int) -> dict[str, Any]:
    started, finished = number(body[:7]), number(body[7:14])
    _, rest = _cut(body[20:])
    inputs = number(rest[:4])
    options, payload, result = rest[4 : 4 + size], rest[4 + size : 4 + size + inputs], rest[4 + size + inputs :]
    found: dict[str, Any] = dict.fromkeys(("started_at", "first_claimed_at", "fence"), started)
    found |= {"claims": 1, "since_at": finished, "finished_at": finished}
    return found | {"options": options, "input": payload, "result": result}


def _cut(raw: bytes) -> tuple[bytes, bytes]:
    """A text with its length before it, and the rest."""
    size = raw[0]
    return raw[1 : 1 + size], raw[1 + size :]
