"""What names, tags, keys and priorities may be.

Each check returns the value, or raises `Invalid` naming the parameter and what is allowed.
"""

import re
from collections.abc import Sequence
from typing import Final, cast

from penstock.core.errors import Invalid

LOWEST: Final = -1000
HIGHEST: Final = 1000

_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # lone surrogates have no bytes


def check_name(value: object, parameter: str) -> str:
    """The value, if it may name a task, queue, namespace, limit or schedule."""
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise Invalid(parameter, value, "a name is 1 to 100 ASCII letters, digits and _ . -")
    return value


def check_priority(value: object, parameter: str = "priority") -> int:
    """The value, if it is a whole number from -1000 to 1000; higher ones run first."""
    if not isinstance(value, int) or isinstance(value, bool) or not LOWEST <= value <= HIGHEST:
        raise Invalid(parameter, value, f"a priority is a whole number from {LOWEST} to {HIGHEST}, higher runs first")
    return int(value)


def check_count(value: object, parameter: str, *, least: int) -> int:
    """The value, if it is a whole number from `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise Invalid(parameter, value, f"a whole number from {least}")
    return int(value)


def check_tags(value: object, parameter: str = "tags") -> tuple[str, ...]:
    """The tags in the order given, each once: up to 20, each 1 to 100 printable characters."""
    if not isinstance(value, list | tuple):
        raise Invalid(parameter, value, 'tags are a list of texts, like ["nightly", "eu"]')
    tags: dict[str, None] = {}
    for tag in cast("Sequence[object]", value):
        if not isinstance(tag, str) or not 1 <= len(tag) <= 100 or not tag.isprintable():
            raise Invalid(parameter, tag, "a tag is a text of 1 to 100 printable characters")
        tags[tag] = None
    found = tuple(tags)
    if len(found) > 20:
        raise Invalid(parameter, found, f"a run carries up to 20 tags, these are {len(found)}")
    return found


def check_key(value: object, parameter: str = "key") -> str:
    """The value, if it may be an idempotency key: 1 to 500 characters, no control characters."""
    if not isinstance(value, str) or not 1 <= len(value) <= 500 or _CONTROL.search(value) is not None:
        raise Invalid(parameter, value, "a key is a text of 1 to 500 characters without control characters")
    return value
